import { reasonOf } from '../common/check.ts';
import { PARAMS_SLOT_BYTES, type Dispatch, type Replay } from './commands.ts';
import type { Command } from './failed-batch.ts';
import { ArenaBuffer, type Arena, type PooledBuffer } from './arena.ts';
import { bufferUsage } from './webgpu-flags.ts';

// A recording notes the commands of a function instead of sending them, and sends them when the function has returned. From
// then on it can send the same commands again, without the function: a flat list of pipelines, bind groups and sizes. CUDA's
// graphs work like this (stream capture), and have the same limits: values of the host are those of the recording.

/** Launches whose parameters share a buffer. */
const LAUNCHES_PER_PAGE = 1024;

/** What a recording needs of its device. */
export interface RecordingHost {
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer;
  writeBuffer(buffer: GPUBuffer, start: number, data: Uint8Array<ArrayBuffer>): void;
  destroyBuffer(buffer: GPUBuffer): void;
  /** Gives memory to the buffers of the recording that was open. False if there is not enough. */
  place(): boolean;
  /** Instead: runs each command, by its number, while the buffers that are in use then have memory. */
  placeInTurns(recording: Recording, run: (command: number) => void): void;
  /** Records a command outside of recordings. */
  readonly single: {
    dispatch(call: Dispatch): void;
    copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void;
    write(to: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void;
  };
  /** Sends the commands once. */
  send(recording: Recording): void;
  /** No more commands are noted. */
  closed(recording: Recording): void;
  /** Its buffers are free. */
  disposed(recording: Recording): void;
}

/** Memory of a tensor, as far as recordings know it. */
interface Changeable {
  readonly buffer: PooledBuffer;
  changed(): void;
}

/** A tensor whose values are copied into one of the recording's before each run. */
export interface Feed {
  readonly from: PooledBuffer;
  readonly to: PooledBuffer;
  readonly bytes: number;
}

interface Launch {
  readonly call: Dispatch;
  /** Null until its buffers have memory. */
  group: GPUBindGroup | null;
  /** Where its parameters are; null if it has none. */
  readonly page: Page | null;
  readonly offset: Uint32Array;
}

interface Copy {
  /** Null for values of the host. */
  readonly from: PooledBuffer | null;
  readonly fromByte: number;
  readonly to: PooledBuffer;
  readonly toByte: number;
  readonly bytes: number;
}

/** Parameters of launches, and which of them a run must send anew. */
interface Page {
  readonly gpu: GPUBuffer;
  readonly values: Uint8Array<ArrayBuffer>;
  used: number;
  /** The range of bytes that changed since they were sent. */
  changed: [from: number, to: number] | null;
}

let open: Recording | null = null;

/** The recording that notes commands now. */
export const openRecording = (): Recording | null => open;

/** The commands of one call of a function, with the buffers that they use. */
export class Recording implements Replay {
  /** What it reads or writes and does not own. */
  readonly buffers: PooledBuffer[] = [];
  writes: readonly PooledBuffer[] = [];
  /** The buffers that it owns. */
  readonly arena: Arena;
  /** The device that it records for. */
  readonly device: unknown;
  dispatches = 0;
  /** Launches that are the same in every run. */
  fixedLaunches = 0;
  readonly #host: RecordingHost;
  readonly #list: (Launch | Copy)[] = [];
  readonly #written = new Set<PooledBuffer>();
  /** How often each of the buffers that it does not own was given back when it was first used. */
  readonly #leases = new Map<PooledBuffer, number>();
  readonly #changed = new Set<Changeable>();
  readonly #pages: Page[] = [];
  /** What happens on the host before a run, in sequence: changes, and parameters that depend on them. */
  readonly #before: (() => void)[] = [];
  /** What else must hold for it to be valid. */
  readonly #conditions: (() => boolean)[] = [];
  /** Values of the host, in sequence. */
  #constants: Uint8Array<ArrayBuffer>[] = [];
  #constantBytes = 0;
  #constantBuffer: GPUBuffer | null = null;
  #feeds: readonly Feed[] = [];
  #problem: string | null = null;
  #isDisposed = false;
  #release: (() => void) | null = null;

  private constructor(device: unknown, arena: Arena, host: RecordingHost) {
    this.device = device;
    this.arena = arena;
    arena.abandon = (reason) => this.abandon(reason);
    this.#host = host;
  }

  /** Opens a recording. */
  static open(device: unknown, arena: Arena, host: RecordingHost): Recording {
    open = new Recording(device, arena, host);
    return open;
  }

  get commands(): readonly Command[] {
    const copies = this.#feeds.map(({ from, to }) => ({
      operation: 'copy of an argument',
      buffers: [from.gpu, to.gpu],
      encode: null,
    }));
    const noted = this.#list.map((item) => {
      if ('call' in item) {
        const encode = (pass: GPUComputePassEncoder): void => encodeLaunch(pass, item, null);
        return { operation: item.call.operation, buffers: item.call.buffers.map(({ gpu }) => gpu), encode };
      }
      const { from, to } = item;
      const operation = from === null ? 'write' : 'copy';
      return { operation, buffers: from === null ? [to.gpu] : [from.gpu, to.gpu], encode: null };
    });
    return [...copies, ...noted];
  }

  /** Why it cannot run again; null if it can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Whether its buffers are free and it cannot run any more. */
  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Whether the memory that it does not own is still that of the same tensors, and its other conditions hold. */
  get isValid(): boolean {
    for (const [buffer, lease] of this.#leases) if (buffer.lease !== lease) return false;
    return this.#conditions.every((holds) => holds());
  }

  /** Where the parameters of the next launch are. */
  get #page(): Page {
    let page = this.#pages.at(-1);
    if (page === undefined || page.used === LAUNCHES_PER_PAGE) {
      const size = LAUNCHES_PER_PAGE * PARAMS_SLOT_BYTES;
      const usage = bufferUsage.UNIFORM | bufferUsage.COPY_DST;
      const gpu = this.#host.createBuffer({ label: 'parameters of a recording', size, usage });
      page = { gpu, values: new Uint8Array(size), used: 0, changed: null };
      this.#pages.push(page);
    }
    return page;
  }

  /** Notes a launch. */
  dispatch(call: Dispatch): void {
    const { buffers, writes, params, repack } = call;
    for (const buffer of buffers) this.#use(buffer);
    for (const buffer of writes) this.#written.add(buffer);
    if (repack === null) this.fixedLaunches++;
    const page = params === null ? null : this.#page;
    const offset = page === null ? 0 : page.used++ * PARAMS_SLOT_BYTES;
    if (page !== null) fill(page, offset, params!);
    if (page !== null && repack !== null) this.beforeRun(() => fill(page, offset, repack()!));
    this.#note({ call, group: null, page, offset: Uint32Array.of(offset) });
    this.dispatches++;
  }

  /** Notes a copy between two buffers. */
  copy(from: PooledBuffer, fromByte: number, to: PooledBuffer, toByte: number, bytes: number): void {
    this.#use(from);
    this.#use(to);
    this.#written.add(to);
    this.#note({ from, fromByte, to, toByte, bytes: Math.ceil(bytes / 4) * 4 });
  }

  /** Notes that values of the host are copied to a buffer. Every run copies the same ones. */
  write(to: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void {
    const bytes = Math.ceil(data.byteLength / 4) * 4;
    if (bytes === 0) return;
    const values = new Uint8Array(bytes);
    values.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#use(to);
    this.#written.add(to);
    this.#note({ from: null, fromByte: this.#constantBytes, to, toByte: 0, bytes });
    this.#constants.push(values);
    this.#constantBytes += bytes;
  }

  /** What the host does before each further run. */
  beforeRun(action: () => void): void {
    this.#before.push(action);
  }

  /** A condition without which it is not valid. */
  onlyWhile(holds: () => boolean): void {
    this.#conditions.push(holds);
  }

  /** Notes that the values of a tensor changed. */
  noteChange(storage: Changeable): void {
    this.#changed.add(storage);
  }

  /** What is copied into its own tensors before the commands run. */
  feed(feeds: readonly Feed[]): void {
    this.#feeds = feeds;
  }

  /** What to give up with it. */
  hold(release: () => void): void {
    this.#release = release;
  }

  /** Stops noting commands and runs those that were noted. */
  close(): void {
    if (open !== this) return;
    open = null;
    this.writes = [...this.#written];
    try {
      if (this.#host.place()) this.#runAll();
      else this.#runInTurns();
    } catch (error) {
      this.#problem ??= reasonOf(error);
      throw error;
    } finally {
      this.#host.closed(this);
    }
    const lasts = (buffer: PooledBuffer): boolean =>
      buffer.arena !== this.arena || (buffer instanceof ArenaBuffer && this.arena.live.has(buffer));
    this.writes = this.writes.filter(lasts);
    for (const storage of this.#changed) if (!lasts(storage.buffer)) this.#changed.delete(storage);
  }

  /**
   * Runs what was noted so far and ends the recording, because what comes next cannot be repeated: the rest of the function
   * runs as usual.
   */
  abandon(reason: string): void {
    this.#problem ??= reason;
    this.close();
    this.dispose();
  }

  /** Runs the commands again, with the values of other tensors. The result is where it was. */
  replay(feeds: readonly Feed[]): void {
    this.#feeds = feeds;
    for (const action of this.#before) action();
    this.#sendParams();
    this.#host.send(this);
    for (const storage of this.#changed) storage.changed();
  }

  encode(encoder: GPUCommandEncoder): void {
    for (const { from, to, bytes } of this.#feeds) encoder.copyBufferToBuffer(from.gpu, 0, to.gpu, 0, bytes);
    let pass: GPUComputePassEncoder | null = null;
    let pipeline: GPUComputePipeline | null = null;
    for (const item of this.#list) {
      if ('call' in item) {
        pass ??= encoder.beginComputePass();
        encodeLaunch(pass, item, pipeline);
        ({ pipeline } = item.call);
        continue;
      }
      pass?.end();
      pass = pipeline = null;
      const from = item.from?.gpu ?? this.#constantBuffer!;
      encoder.copyBufferToBuffer(from, item.fromByte, item.to.gpu, item.toByte, item.bytes);
    }
    pass?.end();
  }

  /** The driver rejected it: its buffers may be broken. */
  failed(): void {
    this.#problem ??= 'the driver rejected it';
    this.dispose();
  }

  /** Gives its buffers back, except those of tensors that are still in use. It cannot run again. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#release?.();
    for (const { gpu } of this.#pages) this.#host.destroyBuffer(gpu);
    if (this.#constantBuffer !== null) this.#host.destroyBuffer(this.#constantBuffer);
    this.#host.disposed(this);
  }

  #runAll(): void {
    for (const item of this.#list) if ('call' in item) item.group = item.call.bind(item.page?.gpu ?? this.#page.gpu);
    this.#sendParams();
    if (this.#constantBytes > 0) this.#upload();
    this.#host.send(this);
  }

  /** Runs it once, as if it were not recorded: that takes less memory, because buffers of different sizes are not all held at the same time. */
  #runInTurns(): void {
    this.#problem ??= 'there is not enough memory to keep its buffers';
    const { single } = this.#host;
    const constants = this.#constants[Symbol.iterator]();
    this.#host.placeInTurns(this, (command) => {
      if (command === 0) for (const { from, to, bytes } of this.#feeds) single.copy(from, 0, to, 0, bytes);
      const item = this.#list[command]!;
      if ('call' in item) single.dispatch(item.call);
      else if (item.from === null) single.write(item.to, constants.next().value!);
      else single.copy(item.from, item.fromByte, item.to, item.toByte, item.bytes);
    });
  }

  #sendParams(): void {
    for (const page of this.#pages) {
      if (page.changed !== null)
        this.#host.writeBuffer(page.gpu, page.changed[0], page.values.subarray(...page.changed));
      page.changed = null;
    }
  }

  #upload(): void {
    const usage = bufferUsage.COPY_SRC | bufferUsage.COPY_DST;
    const all = new Uint8Array(this.#constantBytes);
    let next = 0;
    for (const values of this.#constants) {
      all.set(values, next);
      next += values.length;
    }
    this.#constants = [];
    this.#constantBuffer = this.#host.createBuffer({ label: 'values of a recording', size: all.length, usage });
    this.#host.writeBuffer(this.#constantBuffer, 0, all);
  }

  #note(item: Launch | Copy): void {
    this.#list.push(item);
    this.arena.commands++;
  }

  #use(buffer: PooledBuffer): void {
    if (buffer.arena === this.arena || this.#leases.has(buffer)) return;
    this.#leases.set(buffer, buffer.lease);
    this.buffers.push(buffer);
  }
}

/** Sets the parameters of one launch. */
function fill(page: Page, offset: number, params: ArrayBuffer): void {
  page.values.set(new Uint8Array(params), offset);
  const [from, to] = page.changed ?? [offset, offset];
  page.changed = [Math.min(from, offset), Math.max(to, offset + PARAMS_SLOT_BYTES)];
}

function encodeLaunch(pass: GPUComputePassEncoder, launch: Launch, before: GPUComputePipeline | null): void {
  const { call, group, page, offset } = launch;
  const { pipeline, groups } = call;
  if (pipeline !== before) pass.setPipeline(pipeline);
  if (page === null) pass.setBindGroup(0, group);
  else pass.setBindGroup(0, group, offset, 0, 1);
  pass.dispatchWorkgroups(groups[0], groups[1], groups[2]);
}
