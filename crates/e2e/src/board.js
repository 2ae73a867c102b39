// Run in the page by `Board::read`: everything at once, so that no refresh comes in between.
const text = (root, css) => root.querySelector(css)?.textContent.trim() ?? "";
const shown = (css) => [...document.querySelectorAll(css)].filter((e) => e.getClientRects().length > 0);
const sections = ["s1", "s2", "s3", "s4"].map((s) => ({
  count: Number(text(document, `#${s}-item-count`)),
  says_empty: shown(`#${s}-no-items-message`).length > 0,
  rows: [...document.querySelectorAll(`#${s}-items-body > tr`)].map((row) => {
    const value = (key) => row.querySelector(`[data-value-${key}]`)?.getAttribute(`data-value-${key}`) ?? "";
    const state = row.querySelector(".sla-status");
    return {
      number: Number(value("id")),
      subject: value("subject"),
      agent: value("agent_name"),
      shown: (state?.querySelector(".sla__text") ?? state)?.textContent.trim() ?? "",
      sla: state?.closest("td").title ?? "",
      classes: state?.getAttribute("class") ?? "",
      link: row.querySelector("td a[target=_blank]")?.href ?? null,
    };
  }),
}));
return {
  total: Number(text(document, "#total-active-items-count")),
  sirens: ["left", "right"].every((side) => document.querySelector(`#siren-${side}`)?.classList.contains("active")),
  last_sync: text(document, "#dashboard-generated-time"),
  trouble: shown("#error-banner, #api-error-banner").map((e) => e.textContent.trim()).join(" "),
  sections,
};
