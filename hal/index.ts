/** The hardware abstraction layer: the one index of everything other layers may use of it. */

export type { BoardIdentity, BoardMemory, BoardPort, BoardSink } from './board/board-port.js';
export { BOARD_HEADER_BYTES, BOARD_PACKET, MOST_DMA_BYTES } from './board/board-trace.js';
export { listUioBoards, openUioBoard, type UioBoardInfo, type UioBoardOptions } from './board/mapped/uio-board.js';
export { type BoardReplayOptions, createReplayedBoard, type ReplayedBoard } from './board/replayed-board.js';
export { openSharedBoard } from './board/shared/open-shared-board.js';
export { type SharedBoard, type SharedBoardOptions, startSharedBoard } from './board/shared/shared-board.js';
export { HalError, type HalErrorCode, type HalErrorDetails } from './errors.js';
export type { HidDevice, HidDeviceInfo, HidEvents } from './hid/hid-device.js';
export { type HidFromPortOptions, openHid } from './hid/hid-from-usb-port.js';
export { type PortFromHidOptions, portFromHid } from './hid/port-from-hid.js';
export { hidUdevRule } from './hid/real/hid-errors.js';
export type { HidListing, RealHidInfo } from './hid/real/hid-sysfs.js';
export { type HidSelector, listRealHid, openRealHid, type RealHidOptions, selectHid } from './hid/real/real-hid.js';
export { RealHidDevice } from './hid/real/real-hid-device.js';
export {
  HID_REPORT_TYPE,
  type HidReportLayout,
  type HidReportType,
  parseReportDescriptor,
} from './hid/report-ids.js';
export type { PortRestart } from './host-process/device-keeper.js';
export type {
  DeviceHost,
  HostConnection,
  HostFactory,
  HostProvider,
  HostSend,
} from './host-process/host-connection.js';
export { HostProcess, type HostProcessOptions, HostRequestError } from './host-process/host-process.js';
export { IoProcess, type IoProcessOptions } from './host-process/io-process.js';
export { LOCAL_HOSTS, LocalHost } from './host-process/local-host.js';
export type { HostExchange, RequestTable } from './host-process/protocol.js';
export { type HostHandlers, type HostService, sendToParent, serveHost } from './host-process/serve-host.js';
export { listProfiles, loadProfile, type ProfileEntry, parseProfile } from './profile/load-profile.js';
export {
  type BoardProfile,
  type HardwareProfile,
  hardwareProfileSchema,
  type ProfileMatch,
  type SerialProfile,
  type UsbProfile,
} from './profile/profile-schema.js';
export {
  type BoardSimulator,
  createBoardSimulator,
  createSimulator,
  createUsbSimulator,
  type Simulator,
  type SimulatorEnvironment,
  type UsbSimulator,
} from './profile/simulator-models.js';
export { bindingFromPort, type PortBinding, type PortBindingOptions } from './serial/binding-from-port.js';
export type { BindingInterface, BindingPortInterface, OpenOptions, PortInfo } from './serial/binding-types.js';
export { checkFaultPlan, type FaultPlan, type FaultRates, type ScheduledFault } from './serial/fault-plan.js';
export type { FaultDirection, FaultKind, FaultListener, InjectedFault } from './serial/faults.js';
export { type FaultOptions, injectFaults } from './serial/inject-faults.js';
export { checkLine, formatLine, parseLine, sameLine } from './serial/line-settings.js';
export {
  type BindingPort,
  type BindingPortOptions,
  type ChunkArrival,
  portFromBinding,
} from './serial/port-from-binding.js';
export { BlockingTerminal } from './serial/pty/blocking-terminal.js';
export { openPty, type PtyExport, type PtyOptions } from './serial/pty/open-pty.js';
export { bindingFromPty, type PtyBindingHandle, ptyBinding } from './serial/pty/pty-binding.js';
export { PtyMaster } from './serial/pty/pty-master.js';
export { createPtyPair, type PtyPair } from './serial/pty/pty-pair.js';
export { openRealPort, RealPortBinding, type RealPortOptions, realBinding } from './serial/real/real-binding.js';
export type { ReceiverOptions } from './serial/receive-fifo.js';
export type { Divergence, DivergenceReport, FieldDifference, ReplayPolicy } from './serial/replay-divergence.js';
export { createReplayedPort, type ReplayedPort, type ReplayedPortOptions } from './serial/replayed-port.js';
export {
  openRestartingPort,
  type RestartingPort,
  type RestartingPortOptions,
} from './serial/restarting-port.js';
export { DEVICE_BACKLOG_LIMIT, type SerialDevice, type SerialDeviceOutput } from './serial/serial-device.js';
export {
  bitsPerCharacter,
  characterEndNs,
  LINE_STATUS,
  type LineSettings,
  MODEM_CONTROL,
  MODEM_STATUS,
  type SerialPort,
  type SerialSink,
} from './serial/serial-port.js';
export { type OfferedPort, type PortsBindingOptions, simulatedBinding } from './serial/simulated-binding.js';
export {
  createSimulatedLink,
  createSimulatedPort,
  type SimulatedLinkOptions,
  type SimulatedPort,
  type SimulatedPortOptions,
} from './serial/simulated-port.js';
export { type SerialTap, tapPort } from './serial/tap.js';
export { serveTcp, type TcpExport, type TcpExportOptions } from './serial/tcp/serve-tcp.js';
export { type CdcAcmOptions, type CdcAcmPeripheral, cdcAcmPeripheral } from './simulators/cdc-acm/cdc-acm.js';
export {
  createDaqBoard,
  type DaqBoard,
  type DaqBoardOptions,
  type DaqBoardTruth,
} from './simulators/daq-board/device.js';
export type { DaqBoardParameters } from './simulators/daq-board/parameters.js';
export {
  BAR_BYTES,
  CONTROL_WORDS,
  DAQ_MODE,
  DAQ_REGISTER,
  DAQ_STATUS,
  DESCRIPTOR_BYTES,
  STATUS_WORDS,
} from './simulators/daq-board/registers.js';
export type { GnssMessageName } from './simulators/gnss/message-catalogue.js';
export type { GnssParameters, GnssSettings } from './simulators/gnss/parameters.js';
export { createGnssReceiver, type GnssEpoch, type GnssReceiver, type SentMessage } from './simulators/gnss/receiver.js';
export { createMccUsb1608fsPlus, type MccDevice } from './simulators/mcc-usb-1608fs-plus/device.js';
export type { ScanTruth } from './simulators/mcc-usb-1608fs-plus/scan.js';
export { createVellemanK8055, type K8055Device } from './simulators/velleman-k8055/device.js';
export type {
  ChannelTap,
  CharacterTap,
  Facts,
  ForeignSink,
  ImportTarget,
  UrbTap,
} from './trace/import/foreign-sink.js';
export { type CaptureImport, importCapture } from './trace/import/import-capture.js';
export { type HidRecorderImport, importHidRecorder } from './trace/import/import-hid-recorder.js';
export { importUmockdev, type UmockdevFiles, type UmockdevImport } from './trace/import/import-umockdev.js';
export { type RecordingKind, recordingKind } from './trace/import/recording-kind.js';
export {
  decodeSigrok,
  type SigrokDecoding,
  type SigrokFindings,
  type SigrokLines,
  type SigrokListener,
  type UartLines,
  type UsbLines,
} from './trace/import/sigrok/decode-sigrok.js';
export {
  describeSigrokImport,
  importSigrok,
  type SigrokImport,
  suggestedLines,
} from './trace/import/sigrok/import-sigrok.js';
export { SigrokFile } from './trace/import/sigrok/sigrok-file.js';
export { type GpsdImport, type GpsdImportOptions, importGpsdLog } from './trace/import-gpsd.js';
export { LINK_TYPE } from './trace/pcapng-format.js';
export { type PacketView, PcapngReader } from './trace/pcapng-reader.js';
export { RecordedUrb, RecordedUrbs } from './trace/recorded-urbs.js';
export { RTAC_EVENT, SerialRecord } from './trace/rtac-serial.js';
export type { SerialRecorder } from './trace/serial-recorder.js';
export type { InterfaceStatistics, TraceBlockKind, TraceDamage, TraceInterface } from './trace/trace-block.js';
export { diffTraces, type LaneDiff, type TraceDiff, type TraceDiffOptions } from './trace/trace-diff.js';
export { exportTrace, type TraceExportOptions, type TraceExportResult } from './trace/trace-export.js';
export {
  type InterfaceSelector,
  openTrace,
  openTraceBytes,
  selectInterface,
  type TraceFile,
  type TraceInfo,
  traceInfo,
} from './trace/trace-file.js';
export {
  type InterfaceSummary,
  type JsonValue,
  type SerialInterfaceMeta,
  TraceRecorder,
  type TraceRecorderOptions,
  type TraceSummary,
} from './trace/trace-recorder.js';
export { fileSink, MemorySink, type TraceSink } from './trace/trace-sink.js';
export type { InterfaceTotals, TraceStatistics } from './trace/trace-statistics.js';
export { type UpperChannel, type UpperDissector, upperPayloadOffset } from './trace/upper-channel.js';
export { UsbCursor, type UsbRecording } from './trace/usb-cursor.js';
export {
  type CapturedDevice,
  decodeUsbPacket,
  deviceLabel,
  type EndpointTotals,
  isUsbLink,
  UsbDeviceTable,
} from './trace/usb-device-table.js';
export { USB_EVENT, type UsbEvent, UsbRecord } from './trace/usb-record.js';
export { SNAPSHOT_MARK, type UsbRecorder } from './trace/usb-recorder.js';
export type { UsbTotals } from './trace/usb-statistics.js';
export { decodeUsbmon, USBMON_HEADER_BYTES } from './trace/usbmon.js';
export { decodeUsbPcap } from './trace/usbpcap.js';
export {
  type DeviceData,
  describeDevice,
  type EndpointData,
  type InterfaceData,
  stringDescriptor,
  stringText,
} from './usb/describe.js';
export {
  DESCRIPTOR,
  type DeviceDescriptor,
  parseConfiguration,
  parseDevice,
  type UsbAlternate,
  type UsbConfiguration,
  type UsbEndpoint,
  type UsbInterface,
} from './usb/descriptors.js';
export {
  type PortDeviceOptions,
  type PortUsbDevice,
  type TransferWaitOptions,
  usbDeviceFromPort,
} from './usb/device-from-port.js';
export { EndpointFifo } from './usb/endpoint-fifo.js';
export { EndpointTable } from './usb/endpoint-table.js';
export {
  checkUsbFaults,
  type InjectedUsbFault,
  type UsbFaultKind,
  type UsbFaultListener,
  type UsbFaultPlan,
} from './usb/fault-plan.js';
export { injectUsbFaults, type UsbFaultOptions } from './usb/inject-faults.js';
export { type DevicePort, type DevicePortOptions, portFromUsbDevice } from './usb/port-from-device.js';
export { describeUsbDevice, readDescription, type UndescribedPort } from './usb/read-description.js';
export { RealUsbDevice, type UsbTransferOptions } from './usb/real/real-device.js';
export { listRealUsb, openRealUsb, type RealUsbOptions, realUsbDevice } from './usb/real/real-usb.js';
export {
  describeUsb,
  hex4,
  parseUsbSelector,
  selectUsb,
  type UsbSelector,
  usbSelectorOf,
} from './usb/real/select-usb.js';
export type { UsbDeviceInfo, UsbListing } from './usb/real/sysfs.js';
export { usbUdevRule } from './usb/real/usb-errors.js';
export { type UsbWatch, type UsbWatchOptions, watchRealUsb } from './usb/real/watch-usb.js';
export type {
  UsbDivergence,
  UsbDivergenceReport,
  UsbFieldDifference,
  UsbReplayPolicy,
  UsbTransferSummary,
} from './usb/replay-divergence.js';
export {
  playUsbHost,
  type UsbReplayHost,
  type UsbReplayHostOptions,
  type UsbReplayHostReport,
} from './usb/replay-host.js';
export type { UsbReplayMask } from './usb/replay-masks.js';
export {
  type UsbDeviceSelector,
  type UsbReplaySource,
  type UsbSourceOptions,
  usbReplaySource,
} from './usb/replay-source.js';
export { openUsbReplay, type ReplayedUsbPort, type UsbReplayOptions } from './usb/replayed-port.js';
export {
  type OwnedUsbPort,
  openRestartingUsbPort,
  type RestartingUsbPort,
  type RestartingUsbPortOptions,
} from './usb/restarting-port.js';
export {
  decodeSetup,
  encodeSetup,
  FEATURE,
  RECIPIENT,
  REQUEST_TYPE,
  type SetupFields,
  STANDARD_REQUEST,
  setupPacket,
} from './usb/setup-packet.js';
export {
  checkUrb,
  createSimulatedUsbPort,
  type SimulatedUsbPort,
  type SimulatedUsbPortOptions,
} from './usb/simulated-port.js';
export { NOT_STANDARD, StandardRequests } from './usb/standard-requests.js';
export { tapUsbPort, type UsbTap } from './usb/tap.js';
export { type TransferResult, Transfers } from './usb/transfers.js';
export { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from './usb/usb-peripheral.js';
export {
  ENDPOINT_IN,
  TRANSFER_TYPE,
  type TransferType,
  URB_FLAGS,
  URB_STATUS,
  Urb,
  type UsbDescription,
  type UsbPort,
  type UsbSink,
  type UsbSpeed,
} from './usb/usb-port.js';
export { connectUsbip, listUsbip, type UsbipAddress, type UsbipClientOptions } from './usbip/client.js';
export { type ExportedDevice, USBIP_PORT } from './usbip/protocol.js';
export { serveUsbip, type UsbipServer, type UsbipServerOptions } from './usbip/server.js';
