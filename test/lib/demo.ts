import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { type DemoDeps, type DemoOptions, type DemoProvider, startDemoProvider } from '../../src/demo/index.ts'

/** Where the demo films of all tests on this machine lie: they are made once, by whoever comes first. */
export const demoDirectory = process.env.REELPORT_TEST_MEDIA ?? join(tmpdir(), `reelport-test-media-${userInfo().uid}`)

/** A demo provider on a free port of the loopback, with the shared films: `await using demo = await startDemo()`. */
export function startDemo(options: DemoOptions = {}, deps: DemoDeps = {}): Promise<DemoProvider> {
  return startDemoProvider({ directory: demoDirectory, ...options }, deps)
}
