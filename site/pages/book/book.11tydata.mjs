// A chapter's title and description are those of data/chapters.mjs, by the name of its file.
const own = ({ chapters, page }) => chapters.find(({ url }) => url === `/book/${page.fileSlug}/`);

export default {
  layout: 'chapter.njk',
  styles: ['book', 'detection'],
  scripts: ['exercises'],
  eleventyComputed: {
    title: (data) => own(data)?.title ?? data.title,
    description: (data) => own(data)?.summary ?? data.description,
  },
};
