/** Properties with the class of an object, in order of preference; compared by their `plainName`. */
export const CLASS_PROPERTIES = [
  'label',
  'class',
  'category',
  'classname',
  'classid',
  'categoryid',
  'typeid',
  'species',
] as const;

/** The name of a property in lower case and without underscores. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll('_', '');
