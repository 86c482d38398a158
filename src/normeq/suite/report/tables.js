// Click, Enter or Space on a heading sorts by it: numbers by value, a dash last; again turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, i) => {
    const text = row.cells[i].textContent.trim();
    const number = parseFloat(text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").replace(/^[^\d.-]+/, ""));
    return { text, number: Number.isNaN(number) ? null : number };
  };
  heads.forEach((head, i) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      for (const body of table.tBodies) { // rows stay in their group, below its heading
        const rows = [...body.rows].filter((row) => row.className !== "group").map((row) => ({ row, ...key(row, i) }));
        rows.sort((a, b) => {
          if (a.number !== null && b.number !== null) return sign * (a.number - b.number);
          if (a.number !== null || b.number !== null) return a.number !== null ? -1 : 1;
          return sign * a.text.localeCompare(b.text, "en");
        });
        body.append(...rows.map(({ row }) => row));
      }
    });
  });
}
