// What pages do better with scripts. Everything works without: times are then in UTC, and pages are
// brought up to date by loading them again.
const language = document.documentElement.lang;
// The page says which language; how its dates are written is the reader's choice among those of the language.
const spoken = navigator.languages.find((one) => one.toLowerCase().split('-')[0] === language) ?? language;
const whole = new Intl.DateTimeFormat(spoken, {dateStyle: 'medium', timeStyle: 'medium'});
const brief = {
  clock: new Intl.DateTimeFormat(spoken, {timeStyle: 'short'}),
  day: new Intl.DateTimeFormat(spoken, {dateStyle: 'medium', timeZone: 'UTC'}),
};

function enhance(part) {
  for (const live of part.querySelectorAll('[data-live][id]')) follow(live);
  for (const time of part.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const said = (brief[time.dataset.form] ?? whole).format(at);
    // Where a sentence ends with it, "p. m." ends the sentence.
    time.textContent = time.nextSibling?.nodeValue?.startsWith('.') ? said.replace(/\.$/, '') : said;
  }
  for (const button of part.querySelectorAll('button[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', () => copy(button));
  }
  for (const left of part.querySelectorAll('[data-until]')) countDown(left);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = button.dataset.done;
  } catch {
    getSelection().selectAllChildren(source);
    return;
  }
  setTimeout(() => { button.textContent = before; }, 2000);
}

function countDown(left) {
  const end = Date.parse(left.dataset.until);
  const two = (number) => String(number).padStart(2, '0');
  const tick = () => {
    const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
    const hours = Math.floor(seconds / 3600);
    left.textContent = `${two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    if (seconds > 0 && left.isConnected) setTimeout(tick, 1000);
  };
  tick();
}

// Fetches the page again and puts what is newer in place, as often as the part asks for it, until it no longer
// does; with it the parts that it names, which change when it does. The parts themselves stay, so that screen
// readers hear of the change.
function follow(live) {
  let later;
  let stream = null;
  let running = false;
  let more = false;
  const others = (live.dataset.also ?? '').split(' ').map((id) => document.getElementById(id));
  // As the server wrote it: what did not change is left alone, and with it the reader's place.
  const shown = new Map([live, ...others].filter(Boolean).map((part) => [part, part.innerHTML]));
  const leave = () => { stream?.close(); stream = null; };
  // A stream of attempts says at once when there is something new. Its first word makes the page look for what
  // came before it; one that was refused or has ended is asked for again with the next look.
  const listen = () => {
    if (stream || !live.dataset.stream) return;
    stream = new EventSource(live.dataset.stream);
    for (const told of ['ready', 'attempt']) stream.addEventListener(told, again);
    stream.addEventListener('closed', leave);
    stream.addEventListener('error', () => { if (stream?.readyState === EventSource.CLOSED) leave(); });
  };
  const again = async () => {
    clearTimeout(later);
    more = running;
    if (running) return;
    if (!live.isConnected || !live.dataset.live) { leave(); return; }
    // Nobody looks: the next try is when somebody does again.
    if (document.hidden) { leave(); return; }
    running = true;
    try {
      const answer = await fetch(location.href, {headers: {accept: 'text/html'}});
      // Signed out: the page itself leads to where one signs in.
      if (answer.redirected) { location.replace(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const newest = answer.ok ? page.getElementById(live.id) : null;
      for (const [part, before] of newest ? shown : []) {
        const newer = page.getElementById(part.id);
        if (!newer || newer.innerHTML === before) continue;
        shown.set(part, newer.innerHTML);
        replace(part, newer);
      }
      if (newest && newest.dataset.live !== live.dataset.live) {
        // What the page was opened with is not the last word any more.
        document.getElementById('done')?.remove();
        if (newest.dataset.live) live.dataset.live = newest.dataset.live;
        else delete live.dataset.live;
      }
    } catch {
      // The server may be starting again: the next try tells.
    } finally {
      running = false;
    }
    if (!live.dataset.live) { leave(); return; }
    listen();
    later = setTimeout(again, more ? 100 : Number(live.dataset.live));
  };
  // A stream is left to others while nobody looks.
  document.addEventListener('visibilitychange', () => { if (document.hidden) leave(); else again(); });
  if (!document.hidden) listen();
  later = setTimeout(again, Number(live.dataset.live));
}

// Puts what is newer into a part. What is open stays open, and whoever is in the part with the keyboard stays at
// the same link or field, or else where the content begins.
function replace(part, newer) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  for (const open of part.querySelectorAll('details[open][id]')) {
    const again = newer.querySelector(`#${CSS.escape(open.id)}`);
    if (again) again.open = true;
  }
  part.replaceChildren(...newer.childNodes);
  enhance(part);
  if (!focused) return;
  const same = (one) => ['id', 'href', 'name', 'value'].every((name) => one.getAttribute(name) === focused.getAttribute(name));
  const twins = [...part.querySelectorAll(focused.tagName)].filter(same);
  const twin = twins.find((one) => one.textContent === focused.textContent) ?? twins[0];
  (twin ?? document.getElementById('content')).focus({preventScroll: true});
}

// Days in forms are those of the reader's zone: each is sent with how far its begin is from UTC, or for the last
// day its end.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
function offset(field) {
  const at = new Date(`${field.value}T00:00`);
  if (field.name === 'to') {
    at.setDate(at.getDate() + 1);
    at.setMilliseconds(-1);
  }
  const minutes = -at.getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
for (const field of document.querySelectorAll('input[type=date]')) {
  const name = field.labels[0]?.querySelector('[data-zone]');
  // A day of another zone, from somebody's link, is said to be one.
  if (name && (!field.value || name.dataset.zone === offset(field))) name.textContent = zone;
  field.form.addEventListener('formdata', (event) => {
    if (field.value) event.formData.set(field.name, field.value + offset(field));
  });
}

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const menu = document.querySelector('details.menu[open]');
  if (!menu) return;
  menu.open = false;
  menu.querySelector('summary').focus();
});
document.addEventListener('click', (event) => {
  const menu = document.querySelector('details.menu[open]');
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// What another script puts in is enhanced, too.
document.addEventListener('added', (event) => enhance(event.target));

enhance(document);
