// The archive: when the month is archived by itself.

import { own } from "./call.js";
import { onSubmit } from "./dialog.js";
import { ready, reload } from "./page.js";

ready();

const form = document.getElementById("schedule-form");

if (form) {
  onSubmit(form, async () => {
    const { enabled, day_of_month: day, hour, target, all } = form.elements;
    await own("POST", "/archive/api/scheduler/config", {
      enabled: enabled.checked,
      day_of_month: Number(day.value),
      hour: Number(hour.value),
      snapshot_previous_month: target.value === "previous",
      snapshot_all_companies: all.checked,
    });
    await reload("The schedule is saved.");
  });
}
