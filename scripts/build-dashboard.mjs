// Puts the part of the dashboard that runs in the browser beside what tsc made of the rest.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../src/dashboard/bundle.ts'

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/dashboard/ui')
const { script, style } = await bundle()
mkdirSync(directory, { recursive: true })
writeFileSync(join(directory, 'main.js'), script)
writeFileSync(join(directory, 'main.css'), style)
