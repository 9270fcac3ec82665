/** What a person may ask to be done. */
export type Intent =
  | 'create_schedule'
  | 'update_schedule'
  | 'move_schedule'
  | 'delete_schedule'
  | 'append_block'
  | 'edit_block'
  | 'complete_todo'
  | 'set_reminder'
  | 'remember'
  | 'forget'
  | 'undo';

const set = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const MAKE =
  'add create make put set enter insert buat buatkan buatin bikin bikinkan bikinin tambah tambahkan tambahin masukkan masukin pasang pasangkan taruh taruhkan';
const CHANGE = 'change update edit ubah ubahlah ganti gantikan perbarui perbaharui ubahin';
const REMOVE = 'delete remove erase drop clear scrap hapus hapuskan hapusin hilangkan buang buangkan';
const REMIND = 'remind ping notify alert nudge wake snooze ingatkan ingatin ingetin bangunkan bangunin kabari beritahu';

/** The forms in which somebody orders each, in English and Indonesian: base forms, never past ones. */
export const INTENT_VERBS: Record<Intent, ReadonlySet<string>> = {
  create_schedule: set(
    `${MAKE} ${REMIND} schedule book plan arrange organise organize block pencil invite jadwalkan jadwalin agendakan atur aturkan pesan pesankan undang`,
  ),
  set_reminder: set(REMIND),
  update_schedule: set(
    `${CHANGE} rename shorten extend add set make perpanjang persingkat tambahkan tambah jadikan namai`,
  ),
  move_schedule: set(
    `${CHANGE} move reschedule postpone shift push delay bring put make pindah pindahkan pindahin geser geserkan undur undurkan mundurkan majukan tunda tundakan`,
  ),
  delete_schedule: set(`${REMOVE} cancel call batal batalkan batalin cancelkan`),
  append_block: set(
    `${MAKE} write append note jot log record save tulis tuliskan tulisin catat catatkan catet simpan sisipkan`,
  ),
  edit_block: set(`${CHANGE} replace rewrite correct fix rename set make perbaiki koreksi tulis benarkan jadikan`),
  complete_todo: set(
    'complete finish tick check cross mark close uncheck untick reopen selesaikan centang centangkan tandai tutup beresin bereskan',
  ),
  remember: set(
    'remember note memorise memorize save keep record store ingat ingatlah inget catat catatkan simpan camkan',
  ),
  forget: set(`${REMOVE} forget lupakan lupain`),
  undo: set('undo revert cancel restore take roll urungkan batalkan batalin kembalikan balikin'),
};

/** Things whose making is ordered by verbs that make anything: `set an alarm`. */
export const REMINDER_NOUNS = set('reminder reminders alarm alarms pengingat');
export const MAKING_VERBS = set(`${MAKE} need want give`);

/** What begins an order without a verb: `Reminder: stretch at 8`. */
export const LEADING_NOUNS: Partial<Record<Intent, ReadonlySet<string>>> = {
  set_reminder: REMINDER_NOUNS,
  create_schedule: set('reminder pengingat jadwal agenda event appointment'),
  append_block: set('todo note catatan'),
  remember: set('note catatan fyi'),
};

/** What is said to have been done counts as the order to tick it off. */
export const DONE_WORDS = set('done finished completed selesai beres rampung kelar');

/** Of which nothing may stand shortly before a verb. */
export const NEGATIONS = set(
  "don't dont not never no stop without avoid didn't doesn't won't can't cannot jangan jgn tidak tdk nggak ngga enggak gak ga bukan tanpa belum",
);
/** Who does something themselves, or did: nothing is asked of anybody. */
export const OTHER_SUBJECTS = set('i he she they it we who that which dia ia mereka kami kita saya aku gue orang');
export const MODALS = set('can could will would should must may might shall');
/** Before `to` and a verb: this is wanted. */
export const WISHES = set("want need like love please remember sure have ask wish i'd");
/** Before `to` and a verb: this is told, or asked about. */
export const TOLD = set(
  'asked told said says says forgot tried trying how what when where whether used supposed wanted needed going him her them he she they',
);
/** Begins a question, in which nothing is ordered. */
export const QUESTION_WORDS = set(
  "what what's whats when when's where where's who who's whom whose why how how's which did do does is are was were am have has had should may might must shall apa apakah kapan siapa dimana mana kenapa mengapa bagaimana gimana berapa adakah sudahkah pernahkah haruskah",
);
/** Makes a question a request. */
export const REQUEST_WORDS = set('please pls tolong mohon bisa bisakah boleh bolehkah minta coba harap kindly');
/** Says that something comes again and again. */
export const REPEAT_WORDS =
  /\b(every|each|daily|weekly|monthly|yearly|annual(ly)?|everyday|weekdays?|weekends?|(mon|tues|wednes|thurs|fri|satur|sun)days|mornings|evenings|nights|repeat\w*|recurr\w*|tiap|setiap|harian|mingguan|bulanan|tahunan|berulang|rutin|hari kerja)\b/iu;
/** All of a series is meant. */
export const WHOLE_WORDS =
  /\b(all|every|each|whole|entire|series|completely|semua\w*|seluruh\w*|setiap|tiap|rangkaian)\b/iu;
/** Says that one was reminded before. */
export const AGAIN_WORDS = /\b(snooze|again|later|lagi|nanti|tunda)\b/iu;
/** Who says so speaks of themselves. */
export const SELF_WORDS = /\b(i|i'm|i've|i'd|me|my|mine|we|our|saya|aku|gue|gua|gw|kami|kita|\p{L}{3,}ku)\b/iu;
/** Points at what was spoken of last. */
export const POINTING_WORDS = /\b(it|that|this|them|those|these|itu|ini|tadi|tersebut|barusan|\p{L}{3,}nya)\b/iu;
/** Points at more than the last. */
export const MANY_WORDS = /\b(them|those|these|all|both|semua\w*|semuanya|keduanya|kedua)\b/iu;
/** Asks for nothing but to take back what was done last; other words for it may mean something else to be cancelled. */
export const UNDO_WORDS =
  /\b(undo|revert|roll ?back|take (it|that|this) back|urungkan|kembalikan|balikin)\b|^\W*(\p{L}+\W*){1,2}$/iu;
/** Begins a wish to have a text worked on: what follows is that text, not an order. */
export const TEXT_WORK =
  /\b(summari[sz]e|summary|translate|rewrite|rephrase|proofread|explain|read|review|analy[sz]e|reply|respond|answer|check|correct|interpret|says|said|wrote|writes|email|message|letter|ringkas(kan)?|rangkum(kan)?|terjemah(kan)?|jelaskan|baca(kan)?|periksa|balas(kan)?|jawab|tulisnya|katanya|pesan dari)\b[^:\n]*(:|\n)/iu;
/** Says that what was ordered last was meant otherwise: `no, at 10`, `make it Friday`, `eh jam 10`. */
export const CORRECTION =
  /^(?:(?:no|nope|nah|oh|sorry|oops|wait|hmm|actually|correction|rather|instead|i\s+mean(?:t)?|make\s+(?:it|that)|better|bukan|tidak|eh|maaf|ralat|koreksi|maksud(?:ku|nya|\s+(?:saya|aku))|jadikan|salah)\b[\s,:.!-]*)+(?<when>\S.*)$/iu;
