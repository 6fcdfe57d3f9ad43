/** The dashboard in the browser. */

import './base.css'

import { render } from 'preact'
import { App } from './app.tsx'
import { keepFocus } from './focus.ts'
import { followSamples } from './history.ts'
import { listen } from './store.ts'

const root = document.getElementById('app')!
render(<App />, root)
keepFocus(root)
listen()
followSamples()
