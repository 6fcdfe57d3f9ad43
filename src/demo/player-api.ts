import { type Answer, json, streamed } from './answer.ts'
import type { Catalogue, TitleKind } from './catalogue.ts'
import type { RowFaults } from './faults.ts'
import type { Guide } from './guide.ts'
import { shortListings } from './guide-rows.ts'
import { irregular, irregularNumbers } from './irregular.ts'
import type { LiveFormat } from './live.ts'
import { pieces } from './pieces.ts'
import { categoryRow, listRows, movieDetails, type Row, showDetails } from './rows.ts'

/** What get_short_epg answers with when no limit is asked for. */
const SHORT_EPG_ENTRIES = 4

export interface Account {
  readonly username: string
  readonly password: string
  readonly maxConnections: number
  readonly activeConnections: number
  readonly formats: readonly LiveFormat[]
}

export interface ApiRequest {
  readonly action: string
  readonly query: Readonly<Record<string, string | undefined>>
  /** Where the request came in, as `host:port`. */
  readonly host: string
  readonly now: Date
}

const listActions: Readonly<Record<string, TitleKind>> = {
  get_vod_streams: 'movie',
  get_series: 'show',
  get_live_streams: 'channel',
}
const categoryActions: Readonly<Record<string, TitleKind>> = {
  get_vod_categories: 'movie',
  get_series_categories: 'show',
  get_live_categories: 'channel',
}

/** The answer to one call of player_api.php by somebody whose credentials are right. */
export function playerApi(
  request: ApiRequest,
  account: Account,
  catalogue: Catalogue,
  guide: Guide,
  faults: RowFaults,
): Answer {
  const { action, query, now } = request
  const number = (name: string) => (/^\d{1,15}$/.test(query[name] ?? '') ? Number(query[name]) : undefined)
  const list = listActions[action]
  const base = `http://${request.host}`
  if (list !== undefined) return jsonList(irregular(listRows(catalogue, list, base, number('category_id')), faults))
  const categories = categoryActions[action]
  if (categories !== undefined) return jsonList(irregular(catalogue.categories[categories].map(categoryRow), faults))
  const object = (value: Row) => json(irregularNumbers(value, faults))
  switch (action) {
    case 'account':
      return object(accountInfo(request, account))
    case 'get_vod_info': {
      const movie = catalogue.movie(number('vod_id') ?? -1)
      // Panels answer so for a title they do not have: status 200, and nothing in it.
      return movie === undefined ? json({ info: [] }) : object(movieDetails(movie, faults))
    }
    case 'get_series_info': {
      const show = catalogue.show(number('series_id') ?? -1)
      if (show === undefined) return json({ seasons: [], info: [], episodes: [] })
      return object(showDetails(show, catalogue.episodes(show), faults, base))
    }
    case 'get_short_epg':
    case 'get_simple_data_table': {
      const channel = catalogue.channel(number('stream_id') ?? -1)
      const limit = action === 'get_short_epg' ? (number('limit') ?? SHORT_EPG_ENTRIES) : Number.POSITIVE_INFINITY
      return object({ epg_listings: channel === undefined ? [] : shortListings(guide, channel, now, limit) })
    }
    default:
      return json([])
  }
}

/** What player_api.php answers to wrong credentials: status 200, and this. */
export const notAuthorised: Answer = json({ user_info: { auth: 0 } })

function accountInfo({ host, now }: ApiRequest, account: Account): Row {
  const seconds = Math.floor(now.getTime() / 1000)
  const [, name = host, port = '80'] = /^(.*?)(?::(\d+))?$/.exec(host) ?? []
  return {
    user_info: {
      username: account.username,
      password: account.password,
      message: 'reelport demo provider',
      auth: 1,
      status: 'Active',
      exp_date: String(seconds + 365 * 86_400),
      is_trial: '0',
      active_cons: account.activeConnections,
      created_at: '1704067200',
      max_connections: String(account.maxConnections),
      allowed_output_formats: account.formats,
    },
    server_info: {
      url: name,
      port,
      https_port: '',
      server_protocol: 'http',
      rtmp_port: '',
      timestamp_now: seconds,
      time_now: now.toISOString().slice(0, 19).replace('T', ' '),
      timezone: 'UTC',
    },
  }
}

function jsonList(rows: Iterable<unknown>): Answer {
  return streamed('application/json', pieces(listText(rows)))
}

function* listText(rows: Iterable<unknown>): Generator<string> {
  let before = '['
  for (const row of rows) {
    yield before + JSON.stringify(row)
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}
