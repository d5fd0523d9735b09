/** The method that Node's console calls for the text of an object. Other consoles show an object's own properties. */
export const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom');
