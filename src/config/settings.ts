import { privateRanges } from '../lib/allow-list.ts'
import * as kinds from './kinds.ts'
import { entries, group, optional, required, setting } from './model.ts'

const texts = kinds.list(kinds.text, 'a list of texts', { commas: false })
const headers = kinds.list(kinds.header, 'a list of headers', { commas: false })
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
  headers: optional(
    headers,
    'Headers to send with every request for a stream: Name: value, or for one host only, host Name: value.',
    {
      example: ['Referer: http://tv.example.com/', 'cdn.example.com User-Agent: VLC/3.0.21 LibVLC/3.0.21'],
    },
  ),
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
  sidecars: group('Which small files lie beside its titles; see docs/decisions/0008-files-beside-titles.md.', {
    plexmatch: setting(kinds.boolean, 'true', 'A .plexmatch in the folder of each show, with its ids, for Plex.'),
    nfo: setting(kinds.boolean, 'false', 'NFO files for films, shows and episodes, for Kodi, Jellyfin and NFO agents.'),
    artwork: setting(kinds.boolean, 'false', "The provider's posters and backdrops."),
    subtitles: setting(kinds.boolean, 'true', 'Subtitles that the provider has as files of their own.'),
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

/** Which channels are meant, in the words of libraries' filters. */
const channelFilter = {
  accounts: optional(texts, 'Ids of accounts.', { example: ['main'] }),
  categories: optional(categories, "The provider's categories; * is any text, /…/ a regular expression.", {
    example: ['*Sport*', '/^DE /'],
  }),
  languages: optional(texts, 'Languages and countries, as in the names the provider gives: EN, DE.', {
    example: ['EN', 'DE'],
  }),
  qualities: optional(texts, 'Qualities: 4K, 1080p, 720p, SD, HDR, HEVC.', { example: ['1080p', '720p'] }),
  match: optional(kinds.pattern, "A regular expression that the provider's name has to match.", { example: 'News' }),
  exclude: optional(kinds.pattern, "A regular expression that the provider's name must not match.", {
    example: String.raw`\bXXX\b`,
  }),
}

export const device = group('A tuner, with some of the channels.', {
  name: required(kinds.text, 'What media servers call it.', { example: 'reelport News' }),
  tuners: optional(kinds.integer(1, 100), 'Streams at once that it says it has; without it, as many as the accounts.', {
    example: '2',
  }),
  scanPossible: setting(kinds.boolean, 'true', 'Whether media servers may offer to scan it for channels.'),
  maxChannels: optional(kinds.integer(1, 100_000), 'Channels at most; without it, tuner.maxChannels.', {
    example: '479',
  }),
  filter: group('Which channels it gets, of those that no earlier one took.', channelFilter),
})

export const guideSource = group('A guide from elsewhere, as XMLTV.', {
  name: required(kinds.text, 'What reports call it.', { example: 'epg' }),
  source: required(kinds.playlist, 'Its URL or path; .gz and .xz may be.', {
    example: 'https://epg.example.com/guide.xml.gz',
  }),
  priority: setting(
    kinds.integer(1, 1_000),
    '50',
    "The lowest goes first where several have programmes; the provider's own guide has 100.",
  ),
})

export const plexServer = group('A further Plex Media Server; what is not said here is as in plex.', {
  name: required(kinds.text, 'What reports call it.', { example: 'cabin' }),
  url: required(kinds.serverUrl, 'Its address.', { example: 'http://192.168.2.10:32400' }),
  token: optional(kinds.secret, "A token of its owner's account.", { example: 'xxxxxxxxxxxxxxxxxxxx' }),
  tokenFile: optional(kinds.path, 'A file that holds the token.', {
    example: '/run/secrets/cabin-token',
    alternative: true,
  }),
  mount: optional(kinds.text, 'Where the export is mounted on its host.', { example: '/mnt/reelport' }),
})

export const webhook = group('Somebody who is told what happens, by a POST.', {
  name: required(kinds.text, 'What reports call it.', { example: 'chat' }),
  url: optional(kinds.webUrl, 'Where to; this, or urlFile.', { example: 'https://chat.example.com/hooks/reelport' }),
  urlFile: optional(kinds.path, 'A file that holds the URL.', {
    example: '/run/secrets/chat-url',
    alternative: true,
  }),
  events: optional(
    kinds.list(
      kinds.choice('sync.finished', 'title.ready', 'title.failed', 'channel.down', 'watchdog.repaired'),
      'a list of events',
    ),
    'Of what; all of it when left out.',
    { example: ['title.ready', 'title.failed'] },
  ),
  secret: optional(kinds.secret, 'Signs what is sent, as in Standard Webhooks; any text, or whsec_ and Base64.', {
    example: 'a-long-random-text',
  }),
  secretFile: optional(kinds.path, 'A file that holds the secret.', {
    example: '/run/secrets/chat-secret',
    alternative: true,
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
  tuner: group('Live channels as an HDHomeRun tuner, on the port of HTTP.', {
    enabled: setting(kinds.boolean, 'true', 'Whether there is a tuner.'),
    name: setting(kinds.text, 'reelport', 'What media servers call it, where devices does not say otherwise.'),
    tuners: optional(
      kinds.integer(1, 100),
      'Streams at once that it says it has; without it, as many as the accounts.',
      {
        example: '2',
      },
    ),
    scanPossible: setting(kinds.boolean, 'true', 'Whether media servers may offer to scan it for channels.'),
    maxChannels: setting(
      kinds.integer(1, 100_000),
      '480',
      'Channels of a device at most, which is what Plex takes; further ones open a further device.',
    ),
    baseUrl: optional(kinds.host, 'Where media servers reach it; without it, where they asked.', {
      example: 'http://192.168.1.20:5004',
    }),
    discovery: setting(
      kinds.choice('auto', 'on', 'off'),
      'auto',
      'Whether it can be found by itself (UDP and TCP port 65001); auto goes on without when that port is taken.',
    ),
    ssdp: setting(kinds.boolean, 'false', 'Whether it announces itself by SSDP (UDP port 1900), too.'),
  }),
  devices: entries('Several tuners with some of the channels each. By default there is one that has all.', device),
  lineup: group('Which channels there are, and in which order.', {
    filter: group('Which of the channels: everything given has to fit, and of a list one entry.', channelFilter),
    guideOnly: setting(kinds.boolean, 'false', 'Only channels of which the provider names a guide.'),
    order: setting(
      kinds.choice('provider', 'name', 'category'),
      'provider',
      'The order in which new channels get their numbers.',
    ),
    numbers: setting(
      kinds.choice('own', 'provider'),
      'own',
      "Numbers of our own, or the provider's where they are free. A channel keeps its number for ever.",
    ),
    merge: setting(kinds.boolean, 'true', 'Whether the same channel in several qualities becomes one.'),
    qualities: setting(
      texts,
      ['1080p', '720p', '4K', 'SD'],
      'Which quality of a channel is tried first; the others are for when it fails.',
    ),
    dropDead: setting(kinds.boolean, 'false', 'Whether channels that tests found dead are left out until they work.'),
    overrides: optional(kinds.path, 'A YAML file with changes to single channels.', {
      example: './channels.yaml',
      alternative: true,
    }),
  }),
  guide: group('The programme guide.', {
    schedule: setting(
      kinds.schedule,
      '12h',
      'When guides are read again: every so often, by a cron expression, or off.',
    ),
    provider: setting(kinds.boolean, 'true', "Whether the provider's own guide is used."),
    short: setting(
      kinds.boolean,
      'true',
      'Whether the provider is asked what is on for channels that no guide has, a few at a time.',
    ),
    days: setting(kinds.integer(1, 21), '7', 'Days ahead.'),
    past: setting(kinds.duration('0s', '14d'), '6h', 'How much of what is over is kept.'),
    placeholders: setting(
      kinds.boolean,
      'true',
      'Whether channels without programmes get blocks with their name, so that they can be recorded.',
    ),
    pruneEmpty: setting(kinds.boolean, 'false', 'Whether channels without programmes are left out of the guide.'),
    aliases: optional(kinds.path, 'A YAML file with lines of CHANNEL: GUIDE ID.', {
      example: './aliases.yaml',
      alternative: true,
    }),
  }),
  guides: entries('Guides from elsewhere.', guideSource),
  live: group('Streams of live channels.', {
    buffer: setting(
      kinds.size('1MiB', '256MiB'),
      '8MiB',
      'The most memory for each channel that is watched: only for viewers who are slow is it all used.',
    ),
    stall: setting(
      kinds.duration('1s', '2m'),
      '5s',
      'Without data for this long, a stream is given up; where there is another one, sooner, if it never was so silent.',
    ),
    start: setting(kinds.duration('1s', '2m'), '20s', 'How long a viewer waits for a channel before he is told.'),
    linger: setting(kinds.duration('0s', '5m'), '0s', 'How long a channel is kept after its last viewer.'),
  }),
  tests: group('Trying channels out in the background, with a connection that nobody needs.', {
    perHour: setting(kinds.integer(0, 10_000), '0', 'Channels tried in an hour at most, for each account; 0 is none.'),
    ffprobe: setting(kinds.boolean, 'false', 'Whether what comes is looked at by ffprobe, too.'),
  }),
  plex: group('A Plex Media Server that is set up, and kept so, once "reelport plex setup" was run.', {
    url: optional(kinds.serverUrl, 'Its address; without it, nothing is done.', {
      example: 'http://192.168.1.10:32400',
    }),
    token: optional(
      kinds.secret,
      'A token of its owner\'s account; without one, that of "reelport plex link" or of its Preferences.xml.',
      { example: 'xxxxxxxxxxxxxxxxxxxx' },
    ),
    tokenFile: optional(kinds.path, 'A file that holds the token.', {
      example: '/run/secrets/plex-token',
      alternative: true,
    }),
    preferences: optional(kinds.path, 'Its Preferences.xml, where it is in no usual place.', {
      example: '/config/Library/Application Support/Plex Media Server/Preferences.xml',
      alternative: true,
    }),
    mount: optional(kinds.text, 'Where the export is mounted on its host; without it, no libraries are made.', {
      example: '/mnt/reelport',
    }),
    liveTv: setting(kinds.boolean, 'true', 'Whether it gets our tuners with their guides and channels.'),
    libraries: setting(kinds.boolean, 'true', 'Whether it gets our libraries.'),
    scans: setting(kinds.boolean, 'true', 'Whether it is told to scan folders that changed.'),
    collections: setting(
      kinds.boolean,
      'false',
      "Whether its libraries get a collection for each of the provider's categories.",
    ),
    agent: setting(
      kinds.choice('plex', 'nfo'),
      'plex',
      'Where libraries have titles from: looked up by Plex, or from NFO files, which takes version 1.43.1.',
    ),
    language: setting(kinds.text, 'en-US', 'The language of titles in its libraries.'),
    guideLanguage: setting(kinds.text, 'eng', 'The language of the guide, by three letters.'),
    watch: setting(kinds.schedule, '5m', 'How often it is looked at, and repaired, after it was set up.'),
    signIn: setting(kinds.serverUrl, 'https://plex.tv', 'Where "reelport plex link" gets its token.'),
  }),
  plexServers: entries('Further Plex servers, that are set up and kept so, too.', plexServer),
  webhooks: entries('Others who are told what happens; see docs/guides/api.md.', webhook),
  jellyfin: group('A Jellyfin server that "reelport jellyfin apply" sets up.', {
    url: optional(kinds.serverUrl, 'Its address.', { example: 'http://192.168.1.10:8096' }),
    apiKey: optional(kinds.secret, 'An API key, from Dashboard, API Keys.', { example: 'xxxxxxxxxxxxxxxxxxxx' }),
    mount: optional(kinds.text, 'Where the export is mounted on its host; without it, no libraries are made.', {
      example: '/mnt/reelport',
    }),
  }),
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
  http: group('The HTTP server: the tuner, pages for people, the API, metrics, health.', {
    host: setting(kinds.listenAddress, '0.0.0.0', 'The address to listen on; :: is all, IPv6 too.'),
    port: setting(kinds.port, '5004', 'The TCP port.'),
    allow: setting(allow, privateRanges, allowed),
    password: optional(kinds.secret, 'What people sign in with; without it, what "reelport password" was told.', {
      example: 'a-long-password',
    }),
    passwordFile: optional(kinds.path, 'A file that holds the password.', {
      example: '/run/secrets/reelport-password',
      alternative: true,
    }),
    token: optional(kinds.secret, 'What programs of other machines send: Authorization: Bearer TOKEN.', {
      example: 'a-long-random-text',
    }),
    tokenFile: optional(kinds.path, 'A file that holds the token.', {
      example: '/run/secrets/reelport-token',
      alternative: true,
    }),
    metrics: setting(
      kinds.choice('open', 'guarded'),
      'open',
      'Whether /metrics is open to every address that may connect, or to those who sign in or send the token.',
    ),
    tls: group('The same over TLS, on a port of its own: media servers speak to tuners without.', {
      port: setting(kinds.port, '5443', 'Its TCP port.'),
      cert: optional(
        kinds.path,
        'The certificate and those between it and the root, in PEM; renewed files are taken up.',
        {
          example: '/etc/letsencrypt/live/tv.example.com/fullchain.pem',
          alternative: true,
        },
      ),
      key: optional(kinds.path, 'Its key, in PEM.', {
        example: '/etc/letsencrypt/live/tv.example.com/privkey.pem',
        alternative: true,
      }),
    }),
    sessions: group('How long people stay signed in.', {
      idle: setting(kinds.duration('1m', '365d'), '7d', 'A session that is not used for this long has ended.'),
      lifetime: setting(kinds.duration('1m', '365d'), '30d', 'Every session has ended after this.'),
    }),
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
  sidecars: group('Fetching the pictures and subtitles that libraries carry.', {
    perSecond: setting(kinds.decimal(0.01, 1_000), '5', 'Files fetched in a second at most, for each account.'),
    concurrency: setting(kinds.integer(1, 32), '2', 'Files fetched at once at most, for each account.'),
    budget: setting(kinds.size('0', '1000TiB'), '20GiB', 'Bytes of them to keep; beyond that, none are fetched.'),
    trustedHosts: optional(
      kinds.list(kinds.hostName, 'a list of host names'),
      "Hosts that are asked for them although their addresses are private, as the account's own are.",
      { example: ['images.lan'] },
    ),
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
