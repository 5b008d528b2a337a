import { expect } from 'chai';
import { nativeModuleError } from './native-module.js';

describe('nativeModuleError', () => {
  const explain = (message: string) => nativeModuleError(message, 'node-hid', 'access to HID devices', undefined);

  for (const library of ['libusb-1.0.so.0', 'libudev.so.1'])
    it(`says in one sentence that ${library} is missing, and which Debian packages have it`, () => {
      const error = explain(`${library}: cannot open shared object file: No such file or directory`);
      expect(error?.code).to.equal('HAL_UNSUPPORTED');
      expect(error?.message).to.equal(
        `access to HID devices needs the library ${library}, which this machine does not have`,
      );
      expect(error?.hint).to.equal('On Debian and Ubuntu: sudo apt-get install libusb-1.0-0 libudev1');
    });

  it('names a library that it does not know', () => {
    expect(explain('libfoo.so.2: cannot open shared object file')?.hint).to.include('libfoo.so.2');
  });

  it('says that a package was left out by npm', () => {
    const error = explain("Cannot find package 'node-hid' imported from /x/y.js");
    expect(error?.message).to.include('needs the package node-hid, which is not installed');
    expect(error?.hint).to.include('npm install node-hid');
  });

  it('says that a native part belongs to another machine', () => {
    const error = explain('Failed to find binding for HID_hidraw\nTried paths:\n - /x');
    expect(error?.code).to.equal('HAL_UNSUPPORTED');
    expect(error?.hint).to.include('npm ci');
  });

  it('leaves other errors to others', () => {
    expect(explain('cannot open device with path /dev/hidraw0: Permission denied')).to.equal(undefined);
  });
});
