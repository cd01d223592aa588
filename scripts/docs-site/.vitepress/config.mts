// The generator takes the default export of this file.
// oxlint-disable-next-line import/no-default-export
export { siteConfig as default } from "../site-config.ts";
