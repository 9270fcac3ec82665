/** Begins another topic; its name may follow. */
export const NEW_TOPIC =
  /^(?:(?:ok(?:ay|e)?|so|well|alright|nah|oh)[\s,]+)?(?:new\s+(?:topic|subject|conversation|chat)|(?:let['’]?s\s+)?(?:change|switch)\s+(?:the\s+)?(?:topic|subject)|(?:on\s+)?(?:a\s+)?(?:different|another)\s+(?:topic|subject|matter)|something\s+(?:completely\s+|entirely\s+)?(?:different|else)(?=\s*[:,.!–-])|topik\s+(?:baru|lain)|ganti\s+topik|obrolan\s+baru|hal\s+lain(?=\s*[:,.!–-])|pembicaraan\s+baru)\b[\s,.:;!–—-]*/iu;
/** Goes back to a topic. */
export const BACK_TO =
  /^(?:(?:ok(?:ay|e)?|so|well|alright|nah|oh|anyway)[\s,]+)?(?:(?:let['’]?s\s+)?(?:(?:go|get|come|going)\s+)?back\s+to|(?:let['’]?s\s+)?return(?:ing)?\s+to|(?:let['’]?s\s+)?switch\s+(?:back\s+)?to|kembali\s+(?:lagi\s+)?ke|balik\s+(?:lagi\s+)?ke|lanjut(?:kan)?\s+(?:soal|tentang|topik|yang))\s+(?:the\s+|our\s+|my\s+|topik\s+|soal\s+)?(?<what>[^.:;!?\n]{2,120})/iu;
