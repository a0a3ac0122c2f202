// What pages do better with scripts. Everything works without: times are then in UTC, and pages are
// brought up to date by loading them again.
const spoken = document.documentElement.lang;
const whole = new Intl.DateTimeFormat(spoken, {dateStyle: 'medium', timeStyle: 'medium'});
const brief = {
  clock: new Intl.DateTimeFormat(spoken, {timeStyle: 'short'}),
  day: new Intl.DateTimeFormat(spoken, {dateStyle: 'medium', timeZone: 'UTC'}),
};

function enhance(part) {
  for (const live of part.querySelectorAll('[data-live][id]')) follow(live);
  for (const time of part.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.textContent = (brief[time.dataset.form] ?? whole).format(at);
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

// Fetches the page again and puts what is newer in place, until the part no longer asks for it. The part
// itself stays, so that screen readers hear of the change.
function follow(live) {
  let later;
  // A stream of attempts says at once when there is something new.
  const stream = live.dataset.stream ? new EventSource(live.dataset.stream) : null;
  // As the server wrote it: what did not change is left alone, and with it the reader's place.
  let shown = live.innerHTML;
  const again = async () => {
    clearTimeout(later);
    if (!live.isConnected || !live.dataset.live) {
      stream?.close();
      return;
    }
    // Nobody looks: the next try is when somebody does again.
    if (document.hidden) {
      document.addEventListener('visibilitychange', again, {once: true});
      return;
    }
    try {
      const answer = await fetch(location.href, {headers: {accept: 'text/html'}});
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const newer = answer.ok ? page.getElementById(live.id) : null;
      if (newer && newer.innerHTML !== shown) {
        shown = newer.innerHTML;
        const focused = live.contains(document.activeElement) ? document.activeElement.id : '';
        for (const open of live.querySelectorAll('details[open][id]')) {
          const again = page.getElementById(open.id);
          if (again) again.open = true;
        }
        live.replaceChildren(...newer.childNodes);
        enhance(live);
        if (focused) document.getElementById(focused)?.focus({preventScroll: true});
      }
      if (newer && !newer.dataset.live) {
        delete live.dataset.live;
        stream?.close();
      }
    } catch {
      // The server may be starting again: the next try tells.
    }
    clearTimeout(later);
    later = setTimeout(again, Number(live.dataset.live));
  };
  for (const told of ['ready', 'attempt']) stream?.addEventListener(told, again);
  later = setTimeout(again, Number(live.dataset.live));
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
