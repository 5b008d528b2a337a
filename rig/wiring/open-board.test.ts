import { expect } from 'chai';
import { createRandom, WallClock } from '../../base/index.js';
import type { BoardProfile } from '../../hal/index.js';
import { findProfile } from './executor.js';
import { checkBoardAddress, openRunBoard } from './open-board.js';

const profile = findProfile('rv-daq16') as BoardProfile;

function open(port: string | undefined) {
  return openRunBoard({ profile, port, clock: new WallClock(), random: createRandom('test'), simulator: undefined });
}

describe('the board of a run in wall time', () => {
  it('is the simulator of the profile, on the clock of the run', () => {
    const board = open('sim:');
    expect(board.name).to.equal('sim:rv-daq16');
    expect(board.readRegister(0)).to.equal(0x5144_5652);
    board.close();
  });

  it('is opened behind UIO or in a folder of another process, whose errors come through', () => {
    for (const port of ['uio:4095', 'uio:4095,udmabuf0', 'shared:/nowhere/at/all']) {
      checkBoardAddress(profile, port);
      expect(() => open(port), port)
        .to.throw()
        .with.property('code')
        .that.is.oneOf(['HAL_NOT_FOUND', 'HAL_UNSUPPORTED']);
    }
  });

  it('is refused with a sentence that names the addresses there are', () => {
    for (const port of [undefined, '', 'sim:other', 'uio:', 'uio:0,', 'shared:', '/dev/uio0', 'COM3']) {
      let error: unknown;
      try {
        checkBoardAddress(profile, port);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, `${port}`).to.include({ code: 'RIG_INPUT_MISSING', where: 'rv-daq16' });
      expect(error).to.have.property('hint').that.includes('uio:0').and.includes('shared:FOLDER').and.includes('sim:');
    }
  });
});
