import { privateRanges } from '../lib/allow-list.ts'
import * as kinds from './kinds.ts'
import { entries, group, optional, required, setting } from './model.ts'

const texts = kinds.list(kinds.text, 'a list of texts', { commas: false })
const categories = kinds.list(kinds.category, 'a list of categories', { commas: false })
const allow = kinds.list(kinds.addressRange, 'a list of addresses and ranges')
const allowed = 'Addresses and ranges that may connect: by default this machine and private networks.'

export const account = group('An account with an IPTV provider.', {
  id: setting(kinds.accountId, 'main', 'The name of the account here; published files are tied to it, so it stays.', {
    variable: 'REELPORT_ACCOUNT',
  }),
  type: optional(kinds.choice('xtream', 'm3u'), 'What the provider speaks; without it, m3u when there is a playlist.', {
    example: 'xtream',
  }),
  hosts: optional(
    kinds.list(kinds.host, "a list of the servers' URLs"),
    'URLs of its servers; the first that works is used. A pasted player_api.php or get.php URL will do.',
    { example: ['http://tv.example.com:8080'], variable: 'REELPORT_HOSTS' },
  ),
  username: optional(kinds.secret, 'The user name.', { example: 'someone', variable: 'REELPORT_USERNAME' }),
  usernameFile: optional(kinds.path, 'A file that holds the user name.', {
    example: '/run/secrets/username',
    alternative: true,
    variable: 'REELPORT_USERNAME_FILE',
  }),
  password: optional(kinds.secret, 'The password.', { example: 'something', variable: 'REELPORT_PASSWORD' }),
  passwordFile: optional(kinds.path, 'A file that holds the password.', {
    example: '/run/secrets/password',
    alternative: true,
    variable: 'REELPORT_PASSWORD_FILE',
  }),
  subscription: optional(
    kinds.path,
    'A text with the lines Username:, Password: and perhaps Host: or URL:; with * the newest that matches.',
    { example: '~/Documents/iptv.subscription.*.txt', alternative: true, variable: 'REELPORT_SUBSCRIPTION' },
  ),
  playlist: optional(kinds.playlist, 'For m3u: the URL or path of the playlist.', {
    example: 'http://tv.example.com/playlist.m3u',
    alternative: true,
    variable: 'REELPORT_PLAYLIST',
  }),
  playlistFile: optional(kinds.path, "A file that holds the playlist's URL.", {
    example: '/run/secrets/playlist-url',
    alternative: true,
    variable: 'REELPORT_PLAYLIST_FILE',
  }),
  maxConnections: optional(
    kinds.integer(1, 1_000),
    'Connections to use at once at most; without it, as many as the provider says.',
    { example: '1', variable: 'REELPORT_MAX_CONNECTIONS' },
  ),
  userAgent: setting(kinds.text, 'reelport', 'What the provider is told we are.', { variable: 'REELPORT_USER_AGENT' }),
  settle: setting(kinds.duration('0s', '5m'), '0s', 'How long a closed connection still counts as open.'),
  timeouts: group('How long to wait for the provider.', {
    connect: setting(kinds.duration('1s', '5m'), '10s', 'For a connection.'),
    headers: setting(kinds.duration('1s', '10m'), '20s', "For the beginning of a file's bytes."),
    stall: setting(kinds.duration('1s', '10m'), '15s', 'For the next bytes of a file.'),
    answer: setting(kinds.duration('1s', '1h'), '2m', 'For the list of what there is, which takes providers long.'),
  }),
})

export const library = group('A folder of films or of shows.', {
  name: required(kinds.folderName, 'The name of the folder.', { example: 'Movies' }),
  kind: required(kinds.choice('movies', 'shows'), 'What is in it.', { example: 'movies' }),
  filter: group('What belongs in it: everything given has to fit, and of a list one entry. Case does not matter.', {
    accounts: optional(texts, 'Ids of accounts.', { example: ['main'] }),
    categories: optional(categories, "The provider's categories; * is any text, /…/ a regular expression.", {
      example: ['*Action*', '/^EN .* 4K$/'],
    }),
    languages: optional(texts, 'Languages, as in the names the provider gives: EN, DE.', { example: ['EN', 'DE'] }),
    qualities: optional(texts, 'Qualities: 4K, 1080p, 720p, SD, HDR, HEVC.', { example: ['4K', '1080p'] }),
    match: optional(kinds.pattern, "A regular expression that the provider's name has to match.", { example: '^The ' }),
    exclude: optional(kinds.pattern, "A regular expression that the provider's name must not match.", {
      example: String.raw`\bCAM\b`,
    }),
  }),
  make: group('Which of its titles become files by themselves, of those that a file has to be made from first.', {
    policy: setting(
      kinds.choice('everything', 'newest', 'matching', 'on-demand'),
      'everything',
      'All of them, the newest first, as far as cache.budget has room; a number of the newest; those that match; or none.',
    ),
    newest: setting(kinds.integer(1, 10_000), '50', 'For newest: how many.'),
    match: optional(kinds.pattern, "For matching: a regular expression that the provider's name has to match.", {
      example: '^EN .*4K',
    }),
  }),
})

/** Every setting there is: what is parsed, its defaults, and the reference all come from here. */
export const settings = group('Everything is optional; without an account, there is nothing to serve but the demo.', {
  data: setting(kinds.path, './data', 'The directory of the catalogue and everything else that is kept.'),
  secrets: optional(kinds.path, 'A file with user names and passwords by account id, as YAML or as KEY=value lines.', {
    example: '/etc/reelport/secrets.yaml',
    alternative: true,
  }),
  demo: setting(kinds.boolean, 'false', 'Serve the demo provider that comes with the program.'),
  accounts: entries('Accounts with IPTV providers.', account),
  libraries: entries('The folders that are published. By default Movies and TV.', library),
  nfs: group('The NFS server.', {
    host: setting(kinds.listenAddress, '0.0.0.0', 'The address to listen on; :: is all, IPv6 too.'),
    port: setting(kinds.port, '2049', 'The TCP port of NFS and MOUNT.'),
    exports: optional(kinds.list(kinds.exportPath, 'a list of exported paths'), 'What may be mounted.', {
      fallbackText: '/ and every library',
      example: ['/', '/Movies'],
      alternative: true,
    }),
    allow: setting(allow, privateRanges, allowed),
    portmap: setting(
      kinds.choice('auto', 'serve', 'register', 'off'),
      'auto',
      'The port mapper on 111: be it, register with the one that runs, or whichever is possible.',
    ),
    uid: setting(kinds.integer(0, 4_294_967_294), '65534', 'Owner of all files.'),
    gid: setting(kinds.integer(0, 4_294_967_294), '65534', 'Group of all files.'),
    hold: setting(
      kinds.duration('0s', '50s'),
      '20s',
      'How long a READ waits for its data before the client is told to ask again.',
    ),
    maxConnections: setting(kinds.integer(1, 100_000), '512', 'Clients connected at once.'),
    maxCallsPerConnection: setting(kinds.integer(1, 10_000), '128', 'Calls under way on one connection.'),
    idle: setting(kinds.duration('10s', '7d'), '10m', 'A connection that is silent for this long is closed.'),
    cache: setting(kinds.size('0', '16GiB'), '64MiB', 'Memory for answers that are ready to send; 0 keeps none.'),
  }),
  http: group('The HTTP server: state, metrics, health.', {
    host: setting(kinds.listenAddress, '0.0.0.0', 'The address to listen on; :: is all, IPv6 too.'),
    port: setting(kinds.port, '5004', 'The TCP port.'),
    allow: setting(allow, privateRanges, allowed),
  }),
  cache: group('Bytes of films and episodes on disk.', {
    directory: optional(kinds.path, 'Where they are; may be deleted at any time.', {
      fallbackText: '<data>/cache',
      example: '/var/cache/reelport',
      alternative: true,
    }),
    budget: setting(kinds.size('64MiB', '1000TiB'), '50GiB', 'How much to keep.'),
    reserve: setting(kinds.size('0', '1000TiB'), '2GiB', 'Free space that is left to others on that disk.'),
  }),
  sync: group("Bringing the catalogue up to date with the provider's.", {
    schedule: setting(kinds.schedule, '6h', 'When: every so often, at the times of a cron expression, or off.'),
    grace: setting(kinds.duration('0s', '365d'), '7d', 'How long something stays that the provider no longer lists.'),
    showConcurrency: setting(kinds.integer(1, 32), '2', 'Shows whose episodes are asked for at once.'),
  }),
  measure: group('Learning the exact size of files, which is what makes them appear.', {
    perSecond: setting(kinds.decimal(0.01, 1_000), '5', 'Files measured in a second at most, for each account.'),
    concurrency: setting(kinds.integer(1, 32), '2', 'Files measured at once at most, for each account.'),
  }),
  streams: group('Titles that come as HLS playlists or raw MPEG-TS.', {
    hls: setting(
      kinds.choice('instant', 'made'),
      'instant',
      'What a playlist becomes: a file composed as it is read, where that can be done, or one that is made before.',
    ),
    mpegTs: setting(
      kinds.choice('made', 'direct'),
      'made',
      'What raw MPEG-TS becomes: a file that is made before it appears, or the .ts file as it is.',
    ),
    lengthsPerSecond: setting(
      kinds.decimal(0.01, 1_000),
      '20',
      'Segment lengths asked for in a second at most, for each account.',
    ),
    maxHeight: optional(
      kinds.integer(144, 8_640),
      'Lines of the picture at most, where a playlist has a choice; without it, the best there is.',
      { example: '1080' },
    ),
  }),
  queue: group('Making files of titles that are not served as they come.', {
    concurrency: setting(kinds.integer(1, 32), '1', 'Titles made at once at most.'),
    perAccount: setting(kinds.integer(1, 32), '1', 'Of these, titles of one account at most.'),
  }),
  media: group('Tools; without these, the ones on PATH and then the ones that come with the program.', {
    ffmpeg: optional(kinds.program, 'The ffmpeg to use.', { example: '/usr/bin/ffmpeg' }),
    ffprobe: optional(kinds.program, 'The ffprobe to use.', { example: '/usr/bin/ffprobe' }),
  }),
  log: group('The log, on standard error.', {
    level: setting(kinds.choice('debug', 'info', 'warn', 'error'), 'info', 'The least that is worth a line.'),
    format: setting(kinds.choice('auto', 'json', 'pretty'), 'auto', 'JSON lines, or text; auto is text on a terminal.'),
  }),
})
