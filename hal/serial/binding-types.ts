/** The types of `@serialport/bindings-interface`, whose package names none for ES modules: taken from its CommonJS side. */

import type contract = require('@serialport/bindings-interface');

export type BindingPortInterface = contract.BindingPortInterface;
export type OpenOptions = contract.OpenOptions;
export type PortInfo = contract.PortInfo;
export type PortStatus = contract.PortStatus;
export type SetOptions = contract.SetOptions;
export type UpdateOptions = contract.UpdateOptions;
export type BindingInterface<
  T extends BindingPortInterface = BindingPortInterface,
  R extends OpenOptions = OpenOptions,
  P extends PortInfo = PortInfo,
> = contract.BindingInterface<T, R, P>;
