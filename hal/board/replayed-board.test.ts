/** Tests of a replayed board: what a recording of a simulated one brings, to hosts that are like the recorded one and to others. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { createDaqBoard } from '../simulators/daq-board/device.js';
import type { DaqBoardParameters } from '../simulators/daq-board/parameters.js';
import { DAQ_MODE, DAQ_REGISTER, DAQ_STATUS, DESCRIPTOR, DESCRIPTOR_BYTES } from '../simulators/daq-board/registers.js';
import { MemorySink } from '../trace/trace-sink.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import type { BoardPort } from './board-port.js';
import { testBoardPort } from './board-suite.js';
import { BOARD_PACKET } from './board-trace.js';
import { createReplayedBoard } from './replayed-board.js';
import { TestBoardHost } from './test-board-host.js';
