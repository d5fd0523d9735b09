import { escapeXml } from '../charts/svg-frame.ts';
import { palette } from '../html/style.ts';

/** Marks the page as one that a later map may replace. */
export const GENERATOR = '<meta name="generator" content="retinagrad map" />';

/**
 * The page of a map. Its scripts and its style sheet lie beside it; `page/viewer.js` fills in what depends on the data. It opens
 * from a disk, where pages may load scripts, style sheets and images that lie beside them, and nothing else.
 */
export function mapPage(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
${GENERATOR}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data:" />
<title>${escapeXml(title)}</title>
<link rel="icon" href="data:," />
<style>${palette}</style>
<link rel="stylesheet" href="leaflet.css" />
<link rel="stylesheet" href="viewer.css" />
</head>
<body>
<main>
<div id="map" role="region" aria-label="Map"></div>
<aside aria-label="Detections">
<h1>${escapeXml(title)}</h1>
<noscript><p class="warning">The map needs JavaScript.</p></noscript>
<p id="problem" class="warning" role="alert" hidden="hidden"></p>
<section aria-label="Score">
<p class="slider"><label for="threshold">Minimum score</label><output id="threshold-value" for="threshold"></output></p>
<input id="threshold" type="range" />
<p id="count" role="status"></p>
<div id="figures"></div>
<p class="buttons"><button id="previous" type="button">Previous</button><button id="next" type="button">Next</button>
<span class="note">by score, highest first</span></p>
</section>
<fieldset id="kinds" hidden="hidden"><legend>Outcome</legend></fieldset>
<fieldset id="classes"><legend>Classes</legend></fieldset>
<section id="images" hidden="hidden" aria-labelledby="images-heading">
<h2 id="images-heading">Images</h2>
<p><label for="find">Name contains</label><input id="find" type="search" autocomplete="off" /></p>
<ul id="list"></ul>
</section>
<p id="notes" class="note"></p>
</aside>
</main>
<script src="leaflet.js"></script>
<script src="detections.js"></script>
<script src="objects.js"></script>
<script src="layers.js"></script>
<script src="viewer.js"></script>
</body>
</html>
`;
}
