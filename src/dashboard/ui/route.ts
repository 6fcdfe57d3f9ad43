/** Which page is shown: `#/library/problems?q=x`. */

import { signal } from '@preact/signals'

export interface Route {
  readonly page: string
  readonly rest: string
  readonly query: URLSearchParams
}

export const route = signal<Route>(read())

addEventListener('hashchange', () => {
  route.value = read()
})

/** Changes what the address says of this page, without a step in the history. */
export function refine(query: Readonly<Record<string, string>>): void {
  const { page, rest } = route.value
  const kept = Object.entries(query).filter(([, value]) => value !== '')
  const text = new URLSearchParams(kept).toString()
  history.replaceState(null, '', `#/${page}${rest === '' ? '' : `/${rest}`}${text === '' ? '' : `?${text}`}`)
  route.value = read()
}

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [page = '', ...rest] = path.split('/')
  return { page: page || 'overview', rest: rest.join('/'), query: new URLSearchParams(query) }
}
