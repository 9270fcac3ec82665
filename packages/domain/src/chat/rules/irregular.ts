/**
 * English forms that no rule leads back to their word. Without those that are as often another word (`rose`, `lives`, `drew` the name).
 */
const FORMS = `
  become became; begin began begun; bite bit bitten; blow blew blown; break broke broken; bring brought; build built; buy bought;
  catch caught; choose chose chosen; come came; deal dealt; dig dug; draw drawn; dream dreamt; drink drank drunk; drive drove driven;
  eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; fly flew flown; forget forgot forgotten;
  forgive forgave forgiven; freeze froze frozen; get got gotten; give gave given; go went gone; grow grew grown; hang hung; hear heard;
  hide hid hidden; hold held; keep kept; know knew known; lead led; learn learnt; leave left; lend lent; lose lost; make made; meet met;
  mean meant; pay paid; ride rode ridden; ring rang rung; rise risen; run ran; say said; see saw seen; seek sought; sell sold; send sent;
  shake shook shaken; sing sang sung; sink sank sunk; sit sat; sleep slept; speak spoke spoken; spend spent; stand stood;
  steal stole stolen; stick stuck; strike struck; sweep swept; swim swam swum; take took taken; teach taught; tear tore torn; tell told;
  think thought; throw threw thrown; understand understood; wake woke woken; wear wore worn; win won; write wrote written;
  child children; foot feet; goose geese; knife knives; man men; mouse mice; tooth teeth; wife wives; woman women`;

/** Of a form in lower case, its word. */
export const IRREGULAR: ReadonlyMap<string, string> = new Map(
  FORMS.split(';').flatMap((line) => {
    const [word = '', ...forms] = line.trim().split(/\s+/);
    return forms.map((form): [string, string] => [form, word]);
  }),
);
