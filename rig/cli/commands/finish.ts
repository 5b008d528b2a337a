/** How a command ends. */

/** Takes the exit code; the process ends when nothing is left to do. */
export type Finish = (exitCode: number) => void;
