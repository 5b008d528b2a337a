/** The WebUSB contract on everything in this project that can be a USB port. */

import { WallClock } from '../../base/index.js';
import { connectUsbip } from '../usbip/client.js';
import { serveUsbip } from '../usbip/server.js';
import { usbDeviceFromPort } from './device-from-port.js';
import { testUsbDevice, type UsbDeviceBench } from './device-suite.js';
import { portFromUsbDevice } from './port-from-device.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { TestPeripheral } from './test-peripheral.js';

const clock = new WallClock();

function simulate(): ReturnType<typeof createSimulatedUsbPort> {
  return createSimulatedUsbPort({ name: 'sim:loop', clock, device: new TestPeripheral() });
}

async function simulated(): Promise<UsbDeviceBench> {
  const port = simulate();
  return { device: usbDeviceFromPort(port, { clock }), unplug: () => port.unplug(), release: async () => {} };
}

/** A port over a device over a port: what `portFromUsbDevice` loses would be missing at the end. */
async function roundTrip(): Promise<UsbDeviceBench> {
  const simulation = simulate();
  const inner = usbDeviceFromPort(simulation, { clock });
  await inner.open();
  const port = portFromUsbDevice(inner, { name: 'webusb:loop', clock, description: simulation.description });
  return {
    device: usbDeviceFromPort(port, { clock }),
    unplug: () => simulation.unplug(),
    release: () => port.whenClosed,
  };
}

async function remote(): Promise<UsbDeviceBench> {
  const port = simulate();
  const server = await serveUsbip({ ports: [port], port: 0 });
  const attached = await connectUsbip({ host: '127.0.0.1', port: server.port, busid: '1-1', clock });
  return {
    device: usbDeviceFromPort(attached, { clock }),
    unplug: () => port.unplug(),
    release: () => server.close(),
  };
}

testUsbDevice('a simulated port', simulated, { hasTimeouts: true });
testUsbDevice('a port over somebody else’s WebUSB device', roundTrip, { hasTimeouts: true });
testUsbDevice('a remote device over USB/IP', remote, { hasTimeouts: true });
