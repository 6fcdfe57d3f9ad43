/** What the server has told so far, and whether it still does. */

import { signal } from '@preact/signals'
import { applyMergePatch } from '../../lib/merge-patch.ts'
import type { DashboardState } from '../model.ts'
import { signIn } from './api.ts'

export const state = signal<DashboardState | undefined>(undefined)
export const isConnected = signal(false)
/** What came of the last action, to be read out. What went well is gone after a while, what did not stays until something else is said. */
export const said = signal<{ readonly text: string; readonly isWrong: boolean }>({ text: '', isWrong: false })
const saidMs = 8_000
let unsaying = 0

/** No text takes away what was said. */
export function say(text: string, isWrong = false): void {
  clearTimeout(unsaying)
  said.value = { text, isWrong }
  if (text !== '' && !isWrong) unsaying = setTimeout(() => say(''), saidMs)
}

/** Listens for as long as the page is open. The browser comes back by itself, with the id of the last event it has. */
export function listen(): void {
  const source = new EventSource('/api/events')
  source.addEventListener('open', () => {
    isConnected.value = true
  })
  source.addEventListener('state', ({ data }) => {
    state.value = JSON.parse(data)
  })
  source.addEventListener('patch', ({ data }) => {
    state.value = applyMergePatch(state.value, JSON.parse(data)) as DashboardState
  })
  source.addEventListener('error', () => {
    isConnected.value = false
    // Anything but an event stream closes it for good: we are signed out, or too many listen.
    if (source.readyState === EventSource.CLOSED) void again()
  })
}

const againMs = 5_000

async function again(): Promise<void> {
  const answer = await fetch('/api/history', { credentials: 'same-origin' }).catch(() => undefined)
  if (answer?.status === 401) signIn()
  else setTimeout(listen, againMs)
}

/** Does something and says what came of it, right or wrong. */
export async function doing(what: string, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action()
    say(what)
    return true
  } catch (error) {
    say(`That did not work: ${(error as Error).message}`, true)
    return false
  }
}
