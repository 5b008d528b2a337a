/** mocha's spec reporter, closed by one plain line that counts, for whoever reads only the end. */

const Mocha = require('mocha');

class CountingReporter extends Mocha.reporters.Spec {
  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    process.stdout.write(`${passes} passed, ${failures} failed, ${pending} skipped\n`);
  }
}

module.exports = CountingReporter;
