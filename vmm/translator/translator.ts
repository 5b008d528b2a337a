/** Binary translation: turns hot guest code into WebAssembly modules, and forgets them when the code changes. */

import { CODE_PAGE, HEAT, heatOf } from '../cpu/code-page-layout.js';
import type { GuestMemory } from '../cpu/guest-memory.js';
import type { CodePages } from '../engine/code-pages.js';
import { isQuick } from '../engine/encode-slot.js';
import { regionSignature } from '../engine/interpreter-module.js';
import { WIDTH_32, WIDTH_64 } from '../engine/semantics/width.js';
import type { Decoder } from '../isa/decoder.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { compileModule, instantiate, type WasmTable } from '../wasm/web-assembly.js';
import { type Region, RegionFinder, type Span } from './region.js';
import { RegionCode } from './region-code.js';

/** Functions and instructions of one module: a hot region and what it calls, as far as that has been called, too. */
const MOST_FUNCTIONS = 48;
const MOST_INSTRUCTIONS = 4_000;
/** Jumps to a callee that make it worth translating with its caller. */
const WARM = 16;
/** Targets that are learned of one indirect jump. */
const MOST_TARGETS = 64;
/** The code cache begins anew when it holds so many modules, or so many bytes of them. */
const MOST_MODULES = 8_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** Or so many numbers of indirect jumps, which code that is patched again and again uses up. */
const MOST_SITES = 0x1_0000;
const PAGE_SHIFT = 12;

interface TranslatedModule {
  /** RAM offset of each region's entry, and its place in the table. */
  readonly entries: readonly { readonly offset: number; readonly place: number }[];
  readonly pages: ReadonlySet<number>;
  readonly bytes: number;
}

/** What the translator has done since it began. */
export interface TranslatorStatistics {
  modules: number;
  regions: number;
  instructions: number;
  bytes: number;
  /** Regions forgotten because their code changed, or for lack of room. */
  droppedRegions: number;
}

export interface TranslatorOptions {
  readonly xlen: 32 | 64;
  readonly memory: GuestMemory;
  readonly pages: CodePages;
  readonly decoder: Decoder;
  /** Where the interpreter's build with regions looks for them. */
  readonly table: WasmTable;
}

export class Translator {
  readonly statistics: TranslatorStatistics = { modules: 0, regions: 0, instructions: 0, bytes: 0, droppedRegions: 0 };
  readonly #options: TranslatorOptions;
  readonly #finder: RegionFinder;
  readonly #freePlaces: number[] = [];
  #usedPlaces = 0;
  readonly #modules = new Set<TranslatedModule>();
  /** By page of RAM. */
  readonly #byPage = new Map<number, Set<TranslatedModule>>();
  #bytes = 0;
  /** Where indirect jumps have been seen to lead, by RAM offset. */
  readonly #targets = new Map<number, readonly number[]>();
  /** Indirect jumps by number, with the region each is in; there is no number 0. */
  readonly #sites: ({ readonly entry: number; readonly offset: number } | undefined)[] = [undefined];

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#finder = new RegionFinder(options.pages, options.decoder, options.xlen, isQuick);
  }

  /**
   * The code at RAM offset `entry` is hot: translates it. When indirect jump number `site` of translated code led there,
   * `entry` becomes known to that code instead, which is translated anew: a jump by table then stays in its region.
   */
  hot(entry: number, site: number, span: Span, openTo: number | undefined): void {
    const from = this.#sites.at(site);
    const isKnown = from === undefined || from.entry < span.first || from.entry >= span.end;
    if (isKnown || !this.#learn(from.offset, entry)) this.translate(entry, span, openTo);
    else this.translate(from.entry, span, openTo);
  }

  /** False when that adds nothing. */
  #learn(site: number, target: number): boolean {
    const targets = this.#targets.get(site) ?? [];
    if (targets.includes(target) || targets.length >= MOST_TARGETS) return false;
    this.#targets.set(site, [...targets, target]);
    return true;
  }

  /**
   * Translates the region at RAM offset `entry` and what it calls. `openTo`: the privilege mode in which all of RAM can be
   * read, written and executed without translation; undefined when that is not so. The guest notices nothing of it,
   * whenever it is done.
   */
  translate(entry: number, span: Span, openTo: number | undefined): void {
    const { xlen, memory, table } = this.#options;
    const regions = this.#collect(entry, span);
    if (regions.size === 0) return;
    if (this.#isFull(regions.size)) this.clear();
    const builder = new ModuleBuilder();
    const signature = regionSignature(xlen === 32 ? WIDTH_32 : WIDTH_64);
    const numbers = new Map([...regions.keys()].map((offset, i) => [offset, i]));
    const { ramBase, ramBytes, codeStateOffset } = memory;
    const isOpen = openTo !== undefined;
    const model = { isOpen, privilege: openTo ?? 0, spanBits: span.bits, ramBase, ramBytes, codeStateOffset };
    for (const [offset, region] of regions) {
      const code = builder.function(signature, `r${offset}`);
      const heatAddress = heatOf(this.#slotOf(offset));
      const siteOf = (site: number): number => this.#sites.push({ entry: offset, offset: site }) - 1;
      const functionOf = (target: number): number | undefined => numbers.get(target);
      new RegionCode(code, region, { xlen, model, heatAddress, siteOf, functionOf }).generate();
      this.statistics.instructions += region.instructions;
    }
    const bytes = builder.encode();
    const exports = instantiate(compileModule(bytes), memory.memory);
    const entries = [...regions.keys()].map((offset) => {
      const place = this.#freePlaces.pop() ?? this.#usedPlaces++;
      table.set(place, exports[`r${offset}`]);
      return { offset, place };
    });
    this.#register({ entries, pages: pagesOf(regions), bytes: bytes.length });
  }

  /** The code in a page of RAM is no longer what was translated. */
  dropped(page: number): void {
    this.#finder.forget(page);
    for (const module of [...(this.#byPage.get(page) ?? [])]) this.#forget(module);
  }

  /** Forgets every module. */
  clear(): void {
    this.#finder.forgetAll();
    this.#targets.clear();
    this.#sites.length = 1;
    for (const module of [...this.#modules]) this.#forget(module);
  }

  #collect(entry: number, span: Span): Map<number, Region> {
    const { pages } = this.#options;
    const regions = new Map<number, Region>();
    const waiting = [entry];
    let instructions = 0;
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      if (regions.has(at) || regions.size >= MOST_FUNCTIONS || instructions >= MOST_INSTRUCTIONS) continue;
      const region = this.#finder.find(at, span, this.#targets);
      if (region === undefined) continue;
      regions.set(at, region);
      instructions += region.instructions;
      for (const { terminator } of region.blocks.values()) {
        if (terminator.kind !== 'call') continue;
        const { target } = terminator;
        if (target < span.first || target >= span.end || !pages.has(target >>> PAGE_SHIFT)) continue;
        const heat = pages.heat(this.#slotOf(target));
        if (heat < 0 || heat >= WARM) waiting.push(target);
      }
    }
    return regions;
  }

  #isFull(regions: number): boolean {
    if (this.#modules.size >= MOST_MODULES || this.#bytes > MOST_BYTES || this.#sites.length > MOST_SITES) return true;
    return !this.#hasPlaces(regions);
  }

  #hasPlaces(count: number): boolean {
    return this.#freePlaces.length + this.#options.table.length - this.#usedPlaces >= count;
  }

  #register(module: TranslatedModule): void {
    const { pages } = this.#options;
    this.#modules.add(module);
    this.#bytes += module.bytes;
    this.statistics.modules++;
    this.statistics.regions += module.entries.length;
    this.statistics.bytes += module.bytes;
    for (const page of module.pages) {
      const modules = this.#byPage.get(page) ?? new Set();
      modules.add(module);
      this.#byPage.set(page, modules);
    }
    for (const { offset, place } of module.entries) pages.setHeat(this.#slotOf(offset), HEAT.region | place);
  }

  #forget(module: TranslatedModule): void {
    const { pages, table } = this.#options;
    this.#modules.delete(module);
    this.#bytes -= module.bytes;
    this.statistics.droppedRegions += module.entries.length;
    for (const page of module.pages) this.#byPage.get(page)?.delete(module);
    for (const { offset, place } of module.entries) {
      table.set(place, null);
      this.#freePlaces.push(place);
      if (!pages.has(offset >>> PAGE_SHIFT)) continue;
      const slot = this.#slotOf(offset);
      // A later module may have taken the entry over.
      if (pages.heat(slot) === (HEAT.region | place)) pages.setHeat(slot, 0);
    }
  }

  #slotOf(offset: number): number {
    return this.#options.pages.slots(offset >>> PAGE_SHIFT) + (offset & (CODE_PAGE.pageBytes - 1)) * 4;
  }
}

function pagesOf(regions: ReadonlyMap<number, Region>): Set<number> {
  const pages = new Set<number>();
  for (const region of regions.values()) for (const page of region.pages) pages.add(page);
  return pages;
}
