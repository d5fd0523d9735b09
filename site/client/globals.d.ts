/** Version of the library, from package.json. */
declare const VERSION: string;
/** Whether the site is built to be served as it is, not for the one who works on it. */
declare const IS_RELEASE: boolean;
