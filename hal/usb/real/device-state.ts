/** What a `USBDevice` shows of its configurations: plain objects that follow what was claimed and selected. */

import { HalError } from '../../errors.js';
import type { UsbConfigurationFields } from './protocol.js';

interface InterfaceState extends USBInterface {
  alternate: USBAlternateInterface;
  claimed: boolean;
}

interface ConfigurationState extends USBConfiguration {
  readonly interfaces: InterfaceState[];
}

/** Configurations, the active one, claims and alternate settings of one device; answers and refuses like WebUSB. */
export class UsbDeviceState {
  readonly configurations: ConfigurationState[];
  readonly #where: string;
  configuration: ConfigurationState | null;

  constructor(where: string, configurations: readonly UsbConfigurationFields[], value: number | undefined) {
    this.#where = where;
    this.configurations = configurations.map((fields) => ({
      configurationValue: fields.configurationValue,
      configurationName: fields.configurationName,
      interfaces: fields.interfaces.map((each) => {
        const alternates = each.alternates.map((alternate) => ({
          ...alternate,
          endpoints: [...alternate.endpoints],
        }));
        const active = alternates.find(({ alternateSetting }) => alternateSetting === each.alternateSetting);
        return {
          interfaceNumber: each.interfaceNumber,
          alternates,
          alternate: active ?? alternates[0],
          claimed: false,
        };
      }),
    }));
    this.configuration = this.configurations.find((each) => each.configurationValue === value) ?? null;
  }

  /** Makes a configuration the active one, with nothing claimed and every alternate setting 0. */
  select(value: number): void {
    this.configuration = this.configurationOf(value);
    this.unclaimAll();
  }

  unclaimAll(): void {
    for (const each of this.configuration?.interfaces ?? []) {
      each.claimed = false;
      each.alternate = each.alternates.find(({ alternateSetting }) => alternateSetting === 0) ?? each.alternate;
    }
  }

  /** Throws `HAL_INVALID` where the device has no such configuration. */
  configurationOf(value: number): ConfigurationState {
    const found = this.configurations.find((each) => each.configurationValue === value);
    if (found === undefined) throw this.#refusal(`has no configuration ${value}`);
    return found;
  }

  /** Throws `HAL_INVALID` where the active configuration has no such interface. */
  interfaceOf(number: number): InterfaceState {
    const found = this.configuration?.interfaces.find((each) => each.interfaceNumber === number);
    if (found === undefined) throw this.#refusal(`has no interface ${number} in its active configuration`);
    return found;
  }

  claimedInterface(number: number): InterfaceState {
    const found = this.interfaceOf(number);
    if (!found.claimed) throw this.#refusal(`interface ${number} is not claimed`, 'Claim it first.');
    return found;
  }

  /** The endpoint of a claimed interface's active alternate setting. Throws `HAL_INVALID`. */
  endpointOf(direction: USBDirection, endpointNumber: number): USBEndpoint {
    for (const { claimed, alternate, interfaceNumber } of this.configuration?.interfaces ?? []) {
      const found = alternate.endpoints.find(
        (each) => each.direction === direction && each.endpointNumber === endpointNumber,
      );
      if (found === undefined) continue;
      if (!claimed) throw this.#refusal(`interface ${interfaceNumber} is not claimed`, 'Claim it first.');
      return found;
    }
    throw this.#refusal(`has no ${direction.toUpperCase()} endpoint ${endpointNumber} in its present settings`);
  }

  /** WebUSB: a control transfer to an interface or an endpoint needs that interface claimed. */
  checkRecipient({ recipient, index }: USBControlTransferParameters): void {
    if (recipient === 'interface') this.claimedInterface(index & 0xff);
    if (recipient === 'endpoint' && (index & 0x0f) !== 0)
      this.endpointOf((index & 0x80) === 0 ? 'out' : 'in', index & 0x0f);
  }

  #refusal(what: string, hint?: string): HalError {
    return new HalError('HAL_INVALID', `${this.#where} ${what}`, {
      where: this.#where,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
