/** A simulated GNSS receiver: a stateful serial device with epochs, messages, commands, and the truth about what it sent. */

import { type Clock, NS_PER_MS, type Random, Timer } from '../../../base/index.js';
import { parseFields } from '../../profile/schema-error.js';
import type { SerialDevice, SerialDeviceOutput } from '../../serial/serial-device.js';
import type { LineSettings } from '../../serial/serial-port.js';
import { setCalendarTime } from './calendar.js';
import { CommandParser } from './command-parser.js';
import { Constellation } from './constellation.js';
import { EpochEncoder } from './epoch-encoder.js';
import { EpochSchedule } from './epoch-schedule.js';
import { MessageBuffer } from './message-buffer.js';
import { CATALOGUE, type GnssMessageName } from './message-catalogue.js';
import { createNavigationSolution, setPosition } from './navigation-solution.js';
import { handleNmea } from './nmea-commands.js';
import { NmeaWriter } from './nmea-writer.js';
import { type GnssParameters, type GnssSettings, gnssParametersSchema } from './parameters.js';
import { PROTOCOL_NMEA, PROTOCOL_UBX, type ReceiverControl } from './receiver-control.js';
import { createRoute, createRoutePoint, type Route } from './route.js';
import { checkThroughput } from './throughput.js';
import { handleUbx } from './ubx-commands.js';
import { UbxWriter } from './ubx-writer.js';

/** `truth` keeps this many epochs, the latest ones: over five hours at 10 Hz. Listeners see every one. */
export const TRUTH_LIMIT = 200_000;

/** More than any epoch of the bounded constellation takes. */
const BUFFER_BYTES = 16_384;
const FASTEST_PERIOD_MS = 100;
const SLOWEST_PERIOD_MS = 65_535;
const LOWEST_BAUD = 1200;
const HIGHEST_BAUD = 921_600;

/** One message of an epoch. */
export interface SentMessage {
  readonly name: GnssMessageName;
  /** Characters sent since power-on up to and including its last one. */
  readonly byteEnd: number;
}

/** The truth about one epoch. Times are on the receiver's clock, integer nanoseconds; bytes count from power-on. */
export interface GnssEpoch {
  /** From 0, in order; silent and dropped epochs count. */
  readonly index: number;
  /** The time that the messages carry. */
  readonly utcMs: number;
  /** When that time really was. */
  readonly eventNs: number;
  /** When its first byte was handed to the transmitter: `eventNs` plus the output latency. */
  readonly outputNs: number;
  /** False while there is no fix: messages are void. The positions below are then not reported. */
  readonly valid: boolean;
  /** The receiver was out of room and sent nothing. */
  readonly dropped: boolean;
  /** What the receiver computed, noise included, before its messages round it. */
  readonly latE9: number;
  readonly lonE9: number;
  readonly altMm: number;
  /** Where it really was. */
  readonly trueLatE9: number;
  readonly trueLonE9: number;
  readonly trueAltMm: number;
  /** Characters sent before this epoch, and including it. Equal when nothing was sent. */
  readonly byteStart: number;
  readonly byteEnd: number;
  /** In the order they were sent; GSA and GSV are one entry each, at the end of their last sentence. */
  readonly messages: readonly SentMessage[];
}

export interface GnssReceiver extends SerialDevice {
  readonly model: 'gnss-receiver';
  /** The parameters with every default filled in. */
  readonly settings: GnssSettings;
  /** The epochs so far, at most the last `TRUTH_LIMIT`. */
  readonly truth: readonly GnssEpoch[];
  /** Calls `listener` at every epoch, when its messages have been handed to the transmitter. Returns what removes it again. */
  onEpoch(listener: (epoch: GnssEpoch) => void): () => void;
}

export interface GnssEnvironment {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A receiver that begins when its port is attached. The same parameters and seed give the same bytes at the same times.
 * Throws `HAL_INVALID` naming the field, and when the line is too slow for the messages.
 */
export function createGnssReceiver(parameters: GnssParameters, environment: GnssEnvironment): GnssReceiver {
  return new SimulatedReceiver(parseFields(gnssParametersSchema, parameters, 'gnss-receiver'), environment);
}

function ratesOf(settings: GnssSettings): Uint8Array {
  const sentences = settings.nmea?.sentences ?? (settings.ubx === undefined ? DEFAULT_SENTENCES : []);
  const names: readonly string[] = [...sentences, ...(settings.ubx?.messages ?? [])];
  return Uint8Array.from(CATALOGUE, (entry) => (names.includes(entry.name) ? 1 : 0));
}

const DEFAULT_SENTENCES: readonly GnssMessageName[] = ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL'];

class SimulatedReceiver implements GnssReceiver, ReceiverControl {
  readonly model = 'gnss-receiver';
  readonly truth: GnssEpoch[] = [];
  readonly defaultRates: Uint8Array;
  readonly rates: Uint8Array;
  readonly replyUbx: UbxWriter;
  readonly replyNmea: NmeaWriter;
  periodMs: number;
  nominalLine: LineSettings;
  outputProtocols = PROTOCOL_UBX | PROTOCOL_NMEA;
  line: LineSettings;

  readonly #clock: Clock;
  readonly #latencyRandom: Random;
  readonly #noiseRandom: Random;
  readonly #route: Route;
  readonly #routePoint = createRoutePoint();
  readonly #trueSolution = createNavigationSolution();
  readonly #solution = createNavigationSolution();
  readonly #sky: Constellation;
  readonly #buffer = new MessageBuffer(BUFFER_BYTES);
  readonly #reply = new MessageBuffer(BUFFER_BYTES);
  readonly #encoder: EpochEncoder;
  readonly #replyEncoder: EpochEncoder;
  readonly #parser: CommandParser;
  readonly #timer = new Timer(() => this.#epoch());
  readonly #listeners = new Set<(epoch: GnssEpoch) => void>();
  readonly #startUtcMs: number;
  #schedule: EpochSchedule;
  #wasOn = false;
  #output: SerialDeviceOutput | undefined;
  #nextUtcMs = Number.NEGATIVE_INFINITY;
  #lastUtcMs = Number.NEGATIVE_INFINITY;
  #index = 0;
  #bytesSent = 0;

  constructor(
    readonly settings: GnssSettings,
    { clock, random }: GnssEnvironment,
  ) {
    this.#clock = clock;
    this.#latencyRandom = random.fork('latency');
    this.#noiseRandom = random.fork('noise');
    this.#sky = new Constellation(settings.constellation, random.fork('sky'));
    this.#route = createRoute(settings.route);
    this.#startUtcMs = Date.parse(settings.startUtc);
    this.#schedule = new EpochSchedule(0, this.#startUtcMs, settings.clockPpm);
    this.periodMs = 1000 / settings.rateHz;
    this.nominalLine = { baudRate: settings.baudRate, dataBits: 8, parity: 'none', stopBits: 1 };
    this.line = this.#actualLine(this.nominalLine);
    this.defaultRates = ratesOf(settings);
    this.rates = this.defaultRates.slice();
    const { gps } = settings.constellation;
    const automatic = this.#sky.count > gps ? 'GN' : 'GP';
    const nmea = settings.nmea ?? { talker: 'auto', version: '4.0', minuteDigits: 5 };
    const nmeaSettings = { ...nmea, talker: nmea.talker === 'auto' ? automatic : nmea.talker } as const;
    this.#encoder = new EpochEncoder(this.#buffer, this.#solution, this.#sky, nmeaSettings);
    this.#replyEncoder = new EpochEncoder(this.#reply, this.#solution, this.#sky, nmeaSettings);
    this.replyUbx = new UbxWriter(this.#reply);
    this.replyNmea = new NmeaWriter(this.#reply);
    this.#parser = new CommandParser({
      ubx: (messageClass, id, payload) => handleUbx(this, messageClass, id, payload),
      nmea: (fields) => handleNmea(this, fields),
    });
    checkThroughput(this.#encoder.longestEpoch(this.rates), this.line, this.periodMs);
    this.#solution.geoidSeparationMm = Math.round(settings.geoidSeparationM * 1000);
  }

  onEpoch(listener: (epoch: GnssEpoch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Its battery keeps time and settings while it is without power: epochs go on where they would have been. */
  start(output: SerialDeviceOutput): void {
    this.#output = output;
    const nowNs = this.#clock.now();
    if (!this.#wasOn) this.#schedule = new EpochSchedule(nowNs, this.#startUtcMs, this.settings.clockPpm);
    this.#wasOn = true;
    this.#parser.reset();
    this.#plan(nowNs);
  }

  stop(): void {
    this.#clock.cancel(this.#timer);
    this.#output = undefined;
  }

  receive(byte: number, lineStatus: number): void {
    if (lineStatus !== 0) {
      this.#parser.reset();
      return;
    }
    this.#parser.push(byte);
    if (this.#reply.length === 0) return;
    this.#send(this.#reply);
    this.#reply.clear();
  }

  modemControl(_bits: number): void {
    // A receiver has no modem lines.
  }

  setPeriod(periodMs: number): boolean {
    if (!(periodMs >= FASTEST_PERIOD_MS && periodMs <= SLOWEST_PERIOD_MS)) return false;
    if (this.settings.latencyMs + this.settings.latencyJitterMs >= periodMs) return false;
    this.periodMs = periodMs;
    const nowNs = this.#clock.now();
    // An epoch that has happened already is still going to be sent.
    if (this.#output !== undefined && this.#schedule.eventNs(this.#nextUtcMs) > nowNs) this.#plan(nowNs);
    return true;
  }

  setLine(line: LineSettings): boolean {
    if (!(line.baudRate >= LOWEST_BAUD && line.baudRate <= HIGHEST_BAUD)) return false;
    this.nominalLine = line;
    this.line = this.#actualLine(line);
    return true;
  }

  replyMessage(index: number): boolean {
    if (this.#index === 0) return false;
    this.#replyEncoder.write(index);
    return true;
  }

  #actualLine(line: LineSettings): LineSettings {
    return { ...line, baudRate: line.baudRate * (1 + this.settings.uartPpm / 1e6) };
  }

  /** Arms the timer for the output of the first epoch after the last one that does not lie before `fromNs`. */
  #plan(fromNs: number): void {
    this.#nextUtcMs = this.#schedule.nextUtcMs(fromNs, this.periodMs, this.#lastUtcMs);
    const { latencyMs, latencyJitterMs } = this.settings;
    const latencyNs = Math.round((latencyMs + latencyJitterMs * this.#latencyRandom.float()) * NS_PER_MS);
    this.#clock.schedule(this.#timer, this.#schedule.eventNs(this.#nextUtcMs) + latencyNs);
  }

  #epoch(): void {
    const utcMs = this.#nextUtcMs;
    const eventNs = this.#schedule.eventNs(utcMs);
    const outage = this.#solve(utcMs);
    const byteStart = this.#bytesSent;
    const messages = this.#encode(byteStart, outage === 'silent');
    const room = this.settings.transmitBufferBytes - (this.#output?.backlog ?? 0);
    const dropped = this.#buffer.length > room;
    if (!dropped && this.#buffer.length > 0) this.#send(this.#buffer);
    this.#publish({
      index: this.#index++,
      utcMs,
      eventNs,
      outputNs: this.#clock.now(),
      valid: this.#solution.positionKnown,
      dropped,
      latE9: this.#solution.latE9,
      lonE9: this.#solution.lonE9,
      altMm: this.#solution.altMm,
      trueLatE9: this.#trueSolution.latE9,
      trueLonE9: this.#trueSolution.lonE9,
      trueAltMm: this.#trueSolution.altMm,
      byteStart,
      byteEnd: this.#bytesSent,
      messages: dropped ? [] : messages,
    });
    this.#lastUtcMs = utcMs;
    // From the event, not from now: a wall clock that fired late must not make the receiver skip an epoch.
    if (this.#output !== undefined) this.#plan(eventNs);
  }

  /** Brings solution and sky to `utcMs`; answers the kind of outage in force. */
  #solve(utcMs: number): 'no-fix' | 'silent' | undefined {
    const { noiseM, timeToFirstFixMs, outages } = this.settings;
    const solution = this.#solution;
    const uptimeMs = utcMs - this.#startUtcMs;
    const outage = outages.find(({ fromMs, durationMs }) => uptimeMs >= fromMs && uptimeMs < fromMs + durationMs)?.kind;
    solution.uptimeMs = uptimeMs;
    solution.positionKnown = uptimeMs >= timeToFirstFixMs && outage === undefined;
    solution.timeKnown ||= solution.positionKnown;
    setCalendarTime(solution.time, utcMs);
    this.#sky.update(uptimeMs, solution.positionKnown ? 'tracking' : solution.timeKnown ? 'lost' : 'searching');
    this.#route.at(uptimeMs, this.#routePoint);
    setPosition(this.#trueSolution, this.#routePoint, 0, 0, 0);
    // Drawn at every epoch, with or without noise, so that switching it off changes nothing else.
    const north = this.#noiseRandom.gaussian() * noiseM;
    const east = this.#noiseRandom.gaussian() * noiseM;
    const up = this.#noiseRandom.gaussian() * noiseM * 1.5;
    setPosition(solution, this.#routePoint, north, east, up);
    const spreadM = Math.max(1, noiseM);
    solution.horizontalAccuracyMm = Math.round(10 * this.#sky.hdopE2 * spreadM);
    solution.verticalAccuracyMm = Math.round(10 * this.#sky.vdopE2 * spreadM);
    solution.speedAccuracyMmps = Math.round(this.#sky.hdopE2 * spreadM);
    return outage;
  }

  #encode(byteStart: number, silent: boolean): SentMessage[] {
    const messages: SentMessage[] = [];
    this.#buffer.clear();
    if (silent) return messages;
    for (let i = 0; i < CATALOGUE.length; i++) {
      const { name, protocol } = CATALOGUE[i];
      const enabled = this.outputProtocols & (protocol === 'ubx' ? PROTOCOL_UBX : PROTOCOL_NMEA);
      if (this.rates[i] === 0 || this.#index % this.rates[i] !== 0 || enabled === 0) continue;
      this.#encoder.write(i);
      messages.push({ name, byteEnd: byteStart + this.#buffer.length });
    }
    return messages;
  }

  #send(buffer: MessageBuffer): void {
    this.#output?.transmit(buffer.bytes, 0, buffer.length);
    this.#bytesSent += buffer.length;
  }

  #publish(epoch: GnssEpoch): void {
    this.truth.push(epoch);
    if (this.truth.length > TRUTH_LIMIT) this.truth.splice(0, this.truth.length - TRUTH_LIMIT);
    for (const listener of this.#listeners) listener(epoch);
  }
}
