// The live list of deliveries. The stream says what happens from now on; everything else the list gets from
// its own pages, newest first, down to the oldest row it has. So whatever was missed - before the stream began,
// while it was paused, while the connection was broken, or when it was cut off for being too slow - is found by
// the same walk, which follows each `ready`.
const ROWS_MAX = 500;
const PAGES_MAX = 200;
const KNOWN_MAX = 10000;

zones();
const bar = document.getElementById('live');
if (bar) start(bar, document.getElementById('deliveries'));

function start(bar, table) {
  const rows = table.tBodies[0].children;
  const pause = document.getElementById('live-pause');
  const older = document.getElementById('older');
  let source = null;
  let paused = false;
  let count = 0;
  let walk = null;
  let walkAgain = false;
  let told = [];
  let left = new Set();
  // How many attempts of each delivery are counted already, whether its row is still shown or not.
  const known = new Map();
  let drawing = 0;
  let later = 0;

  function say(state) {
    if (bar.dataset.state === state || (state === 'connecting' && bar.dataset.state === 'refused')) return;
    bar.dataset.state = state;
    const words = {on: 'liveOn', connecting: 'connecting', paused: 'paused', broken: 'broken', refused: 'refused'};
    document.getElementById('live-state').textContent = bar.dataset[words[state]];
  }

  function tally(more) {
    count += more;
    const said = new Intl.NumberFormat(document.documentElement.lang).format(count);
    document.getElementById('live-count').textContent = bar.dataset.count.replace('{n}', said);
  }

  // Counts what a row says more than was known of it; of one that was not known, `unknown` attempts.
  function learn(row, unknown) {
    const before = known.get(row.id);
    tally(Math.max(0, before === undefined ? unknown : attempts(row) - before));
    known.set(row.id, Math.max(attempts(row), before ?? 0));
    if (known.size > KNOWN_MAX) known.delete(known.keys().next().value);
  }

  // Opens the stream, unless there is a reason not to.
  function open() {
    clearTimeout(later);
    if (source || paused || document.hidden) return;
    say('connecting');
    source = new EventSource(bar.dataset.stream);
    source.addEventListener('ready', () => { say('on'); catchUp(); });
    source.addEventListener('attempt', (event) => tell({id: null, html: event.data}));
    source.addEventListener('left', (event) => tell({id: event.data, html: null}));
    source.addEventListener('closed', (event) => {
      close();
      if (event.data === 'signed_out') location.reload();
      else if (event.data === 'too_slow') open();
      else { say('broken'); later = setTimeout(open, 2000); }
    });
    source.onerror = () => {
      // The browser tries again by itself, unless the server refused.
      if (source.readyState !== EventSource.CLOSED) { say('broken'); return; }
      close();
      say('refused');
      catchUp();
      later = setTimeout(open, 15000);
    };
  }

  function close() {
    clearTimeout(later);
    source?.close();
    source = null;
  }

  // What the stream tells is put in once for each picture that the screen shows.
  function tell(what) {
    told.push(what);
    drawing ||= requestAnimationFrame(draw);
  }

  function draw() {
    drawing = 0;
    const list = told;
    told = [];
    for (const {id, html} of list) {
      if (id) {
        left.add(id);
        document.getElementById(id)?.remove();
        continue;
      }
      const row = parse(`<table><tbody>${html}</tbody></table>`).querySelector('tr');
      row.dataset.told = '';
      learn(row, 1);
      // What is older than the page belongs on another one.
      const isBelow = !older.hidden && rows.length > 0 && row.id < rows[rows.length - 1].id;
      if (!isBelow) place(row, true);
    }
    trim();
  }

  function parse(html) {
    return new DOMParser().parseFromString(html, 'text/html');
  }

  function attempts(row) {
    return Number(row.dataset.attempts);
  }

  // Ids begin with the time, so that their order is the order of the list.
  function place(row, fresh) {
    const old = document.getElementById(row.id);
    if (old) {
      if (attempts(old) > attempts(row)) return;
      const focused = old.contains(document.activeElement);
      old.replaceWith(row);
      if (focused) row.querySelector('a').focus();
    } else {
      let next = rows[0];
      while (next && next.id > row.id) next = next.nextElementSibling;
      table.tBodies[0].insertBefore(row, next ?? null);
    }
    if (fresh) {
      row.classList.add('fresh');
      setTimeout(() => row.classList.remove('fresh'), 1500);
    }
    row.dispatchEvent(new CustomEvent('added', {bubbles: true}));
  }

  // Keeps the list as long as a page can be; the rest is where the link to what is older leads.
  function trim() {
    let cut = false;
    while (rows.length > ROWS_MAX) { rows[rows.length - 1].remove(); cut = true; }
    if (cut) olderFrom(rows[rows.length - 1].id);
    table.hidden = rows.length === 0;
    document.getElementById('none').hidden = rows.length > 0;
  }

  function olderFrom(id) {
    const there = new URL(location.href);
    there.searchParams.set('cursor', id);
    there.hash = '';
    older.href = there.href;
    older.hidden = false;
  }

  async function catchUp() {
    if (walk) { walkAgain = true; return; }
    do {
      walkAgain = false;
      walk = read();
      try { await walk; } catch { if (!paused) say('broken'); }
      walk = null;
    } while (walkAgain);
    bar.dataset.caughtUp = String(Number(bar.dataset.caughtUp ?? 0) + 1);
  }

  // Reads the list from its newest page on, down to the oldest row that is shown.
  async function read() {
    const before = [...rows].map((row) => row.id);
    const floor = before.at(-1) ?? '';
    for (const row of rows) delete row.dataset.told;
    left = new Set();
    const found = [];
    let next = new URL(location.href);
    let pages = 0;
    let bottom = null;
    while (next && pages < PAGES_MAX && !(bottom && bottom <= floor)) {
      const answer = await fetch(next, {headers: {accept: 'text/html'}});
      // Signed out: the page itself leads to where one signs in.
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.statusText);
      const page = parse(await answer.text());
      found.push(...page.querySelectorAll('#deliveries tbody tr'));
      bottom = found.at(-1)?.id ?? '';
      const link = page.getElementById('older');
      next = link && !link.hidden ? new URL(link.getAttribute('href'), location.href) : null;
      pages += 1;
    }
    const whole = !next || bottom <= floor;
    const seen = new Set(found.map((row) => row.id));
    for (const id of before) {
      const row = document.getElementById(id);
      // Below a walk that had to stop there would be a gap; and what is not listed any more has left.
      const gone = whole ? !seen.has(id) && !('told' in (row?.dataset ?? {told: ''})) : id < bottom;
      if (gone) row?.remove();
    }
    if (!whole) olderFrom(bottom);
    for (const row of found) {
      if ((whole && !older.hidden && row.id < floor) || left.has(row.id)) continue;
      learn(row, attempts(row));
      place(row, false);
    }
    trim();
  }

  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? bar.dataset.resume : bar.dataset.pause;
    if (paused) { close(); say('paused'); } else open();
  });
  // Nobody looks: the stream is left to others. Coming back is like going on.
  document.addEventListener('visibilitychange', () => { if (document.hidden) close(); else open(); });
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
  for (const row of rows) known.set(row.id, attempts(row));
  bar.hidden = false;
  tally(0);
  open();
}

// Instants in forms are written in the viewer's zone, and sent in UTC.
function zones() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const name of document.querySelectorAll('[data-zone]')) name.textContent = zone;
  const fields = [...document.querySelectorAll('input[type=datetime-local]')];
  for (const field of fields) {
    const at = new Date(`${field.value}Z`);
    if (Number.isNaN(at.valueOf())) continue;
    const there = new Date(at.valueOf() - at.getTimezoneOffset() * 60000);
    field.value = there.toISOString().slice(0, -1);
  }
  for (const form of new Set(fields.map((field) => field.form))) {
    form.addEventListener('formdata', (event) => {
      for (const field of form.querySelectorAll('input[type=datetime-local]')) {
        const at = new Date(field.value);
        if (!Number.isNaN(at.valueOf())) event.formData.set(field.name, at.toISOString());
      }
    });
  }
}
