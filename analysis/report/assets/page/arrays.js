// Typed arrays from a rule. `Type.from(source, rule)` would take ten times as long.

/** An array of `length` numbers, the rule applied to each index. */
export function mapped(Type, length, rule) {
  const made = new Type(length);
  for (let n = 0; n < length; n++) made[n] = rule(n);
  return made;
}
