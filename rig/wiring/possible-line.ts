/** Line settings that come from a guest: they may be anything. */

import { checkLine, HalError } from '../../hal/index.js';
import type { CharacterLine } from '../../vmm/index.js';

/** Whether a port can be set so at all. */
export function isPossible(line: CharacterLine): boolean {
  try {
    checkLine({ ...line }, 'guest');
    return true;
  } catch (error) {
    if (error instanceof HalError) return false;
    throw error;
  }
}
