/** A film strip with a hole in it. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#b4530a"/><path d="M9 8h11a5 5 0 0 1 1.2 9.86L24 24h-4l-2.6-6H13v6H9zm4 3.4v3.4h6.4a1.7 1.7 0 0 0 0-3.4z" fill="#fff"/></svg>`

/** For the head of each page. */
export const iconLink = '<link rel="icon" href="/icon.svg" type="image/svg+xml">'
