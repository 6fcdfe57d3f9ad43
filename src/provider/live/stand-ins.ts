/** What providers send in place of a channel that they do not have: names of files that are no programme. */
const standIns =
  /(^|[/_-])(black|blank|offline|no[_-]?signal|no[_-]?connection|max[_-]?connections?|expired|banned|not[_-]?available)\.(ts|m3u8|mp4|m4s)$/i

/** Whether an address is that of a clip that stands for nothing. */
export const isStandIn = (url: URL | string): boolean => standIns.test(new URL(url).pathname)
