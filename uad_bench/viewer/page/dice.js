"use strict";
// How many voxels reach each level, in the lesion and elsewhere: levels, lesion are arrays over voxels in the same order.
function countLevels(levels, lesion) {
  const inside = new Uint32Array(257), outside = new Uint32Array(257);
  for (let i = 0; i < levels.length; i += 1) {
    if (levels[i]) (lesion[i] ? inside : outside)[levels[i]] += 1;
  }
  for (let level = 255; level > 0; level -= 1) {
    inside[level] += inside[level + 1];
    outside[level] += outside[level + 1];
  }
  return { inside, outside };
}

// Dice of the voxels that reach a level; positives: all lesion voxels, also those outside the evaluated region. Null without one.
function diceAt(counts, level, positives) {
  const hits = counts.inside[level], called = hits + counts.outside[level];
  return { hits, called, dice: positives ? 2 * hits / (called + positives) : null };
}

const short = (value) => String(Number(value.toPrecision(3)));

// What is known of a score from its level: it lies between two thresholds, or reaches the last one.
function scoreText(level, edges) {
  if (!level) return "outside the evaluated region";
  const low = short(edges[level - 1]);
  if (level >= edges.length) return `≥ ${low}`;
  const high = short(edges[level]);
  return low === high ? low : `${low} to ${high}`;
}
