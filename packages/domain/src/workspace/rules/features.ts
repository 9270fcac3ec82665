/**
 * What a workspace can switch on or off, and how it is where nobody has. A feature that is rolled out in stages begins
 * with `false` here; one that stands is removed.
 */
export const FEATURES = {
  /** Canvases may be shared by public links. */
  share_links: true,
  /** The workspace may be exported and imported as a whole. */
  transfers: true,
} as const satisfies Record<string, boolean>;

export type Feature = keyof typeof FEATURES;

/** Every feature, as it is for a workspace that has said this much. */
export const featuresOf = (said: Readonly<Record<string, boolean>>): Record<Feature, boolean> => ({
  share_links: said['share_links'] ?? FEATURES.share_links,
  transfers: said['transfers'] ?? FEATURES.transfers,
});
