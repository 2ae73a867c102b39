// Tells people who do not see the marks what has arrived.

const live = document.getElementById("live-region");

export function announce(added, moved, total) {
  const news = [added > 0 && `${added} new`, moved > 0 && `${moved} moved`].filter(Boolean);
  if (news.length > 0) live.textContent = `${news.join(", ")}, ${total} active tickets.`;
}
