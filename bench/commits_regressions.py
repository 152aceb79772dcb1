"""Twenty regressions of the example service, each as a commit would bring it, and a harmless change beside it.

Three are not in the function that pays: a constant, a variable or a helper that it uses.
"""

from __future__ import annotations

from dataclasses import dataclass

CACHE, SESSION = "internal/cache/prices.go", "internal/session/table.go"
SERVER, HANDLERS, RENDER = (f"internal/server/{name}.go" for name in ("server", "handlers", "render"))
POOL, CATALOG = "internal/workers/pool.go", "internal/catalog/catalog.go"
UPSTREAM, LOAD = "internal/upstream/upstream.go", "internal/load/load.go"


@dataclass(frozen=True)
class Edit:
    """Text to replace in a file, where it stands once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Regression:
    """What a commit changes. harmless: a change of the same function that costs nothing."""

    name: str
    title: str
    function: str
    edits: tuple[Edit, ...]
    harmless: Edit

    @property
    def path(self) -> str:
        """The file of the function."""
        return self.harmless.path


def _import(path: str, before: str, *names: str) -> Edit:
    return Edit(path, f"\t{before}\n", "".join(f'\t"{n}"\n' for n in names) + f"\t{before}\n")


_LOOKUP = Edit(
    CACHE, "\tprice := p.upstream.Price(sku)\n", "\tasked := sku\n\tprice := p.upstream.Price(asked)\n"
)
_TOUCH = Edit(SESSION, "\ts.LastSeen = now\n\ts.Requests++\n", "\ts.Requests++\n\ts.LastSeen = now\n")
_VALUES = Edit(SERVER, '\tvalues["locale"] = "nl-NL"\n\tvalues["currency"] = "EUR"\n',
               '\tvalues["currency"] = "EUR"\n\tvalues["locale"] = "nl-NL"\n')  # fmt: skip
_FRAMED = Edit(
    RENDER, "\twhole = append(whole, text...)\n", "\tbody := text\n\twhole = append(whole, body...)\n"
)
_SEARCH = Edit(
    CATALOG, "\tvar found []*Product\n\tfor i := 0;", "\tvar found []*Product\n\t_ = limit\n\tfor i := 0;"
)
_DECODE = Edit(HANDLERS, "\tvar decoded form\n", "\tdecoded := form(nil)\n")
_PRICE = Edit(UPSTREAM, "\tcents := 100\n", "\tconst base = 100\n\tcents := base\n")
_DO = Edit(POOL, "\treturn <-job.done\n", "\tresult := <-job.done\n\treturn result\n")
_RECEIPT = Edit(RENDER, "\tsum := 0\n", "\tvar sum int\n")
_PAGE = Edit(RENDER, "\tfor _, p := range found {\n", "\tfor i := range found {\n\t\tp := found[i]\n")
_MERGE = Edit(
    HANDLERS,
    "\tfor section, fields := range wishes {\n",
    "\t_ = len(wishes)\n\tfor section, fields := range wishes {\n",
)
_JOB = Edit(SERVER, "\t\tWork:    work,\n", "\t\tWork:    (func() []byte)(work),\n")
_REQUEST = Edit(LOAD, "\tswitch number % 3 {\n", "\tkind := number % 3\n\tswitch kind {\n")
_SERVE = Edit(SERVER, "\thandle, ok := s.routes[request.Route]\n\tif !ok {\n",
              "\thandle, known := s.routes[request.Route]\n\tif !known {\n")  # fmt: skip
_AT = Edit(
    CATALOG,
    "// At returns an article by its number, counted round.\n",
    "// At returns an article by its number.\n",
)
_OWNER = Edit(
    POOL,
    "// owner returns which worker a session belongs to.\n",
    "// owner is which worker a session belongs to.\n",
)
_PROFILE = Edit(
    HANDLERS,
    "\tvar wishes map[string]map[string]interface{}\n",
    "\twishes := map[string]map[string]interface{}(nil)\n",
)

REGRESSIONS = (
    Regression("lock-held", "One fetch for all who wait", "Lookup", (
        Edit(CACHE, "\t}\n\tp.mu.Unlock()\n\n", "\t}\n\n"),
        Edit(CACHE, "\n\tp.mu.Lock()\n\tp.entries[sku] = entry", "\n\tp.entries[sku] = entry"),
    ), _LOOKUP),
    Regression("sessions-kept", "Never forget a visitor", "Touch", (
        Edit(SESSION, "\tif len(t.young) >= keptSessions {", "\tif len(t.young) >= 1<<20 {"),), _TOUCH),
    Regression("more-values", "Header values", "withValues", (
        Edit(SERVER, "\treturn context.WithValue(ctx, valuesKey{}, values)\n",
             '\tfor i := 0; i < 60; i++ {\n\t\tvalues[fmt.Sprintf("header-%d", i)] = i\n\t}\n'
             "\treturn context.WithValue(ctx, valuesKey{}, values)\n"),), _VALUES),
    Regression("larger-frame", "Room for wide pages", "framed", (
        Edit(RENDER, "const frame = 12 << 10", "const frame = 60 << 10"),), _FRAMED),
    Regression("search-copies", "Search without regard to case", "Search", (
        Edit(CATALOG, "strings.Contains(p.Name, word)", "strings.Contains(strings.ToUpper(p.Name), strings.ToUpper(word))"),), _SEARCH),
    Regression("decoded-twice", "Validate before decoding", "decodeForm", (
        Edit(HANDLERS, "\terr := json.Unmarshal(body, &decoded)\n",
             "\tvar checked map[string]interface{}\n\tfor i := 0; i < 3; i++ {\n\t\t_ = json.Unmarshal(body, &checked)\n\t}\n"
             "\terr := json.Unmarshal(body, &decoded)\n"),), _DECODE),
    Regression("price-fields", "All price fields", "Price", (
        Edit(UPSTREAM, "\treturn map[string]string{\n", "\tfull := make(map[string]string, 400)\n\tfull[sku] = sku\n\t_ = full\n"
             "\tkept = full\n\treturn map[string]string{\n"),
        Edit(UPSTREAM, "func pause(", "var kept map[string]string\n\nfunc pause(")), _PRICE),
    Regression("leaked-waiters", "Time out slow jobs", "Do", (
        Edit(POOL, "\tjob.done = make(chan []byte, 1)\n",
             "\tjob.done = make(chan []byte, 1)\n\tlate := make(chan struct{})\n\tgo func() { <-late }()\n"),), _DO),
    Regression("profile-checked", "Check profiles before they are merged", "updateProfile", (
        Edit(HANDLERS, "\treturn s.pool.Do(job(ctx, func() []byte {\n\t\tanswer, err :=",
             "\tfor range 6 {\n\t\tvar checked map[string]map[string]interface{}\n\t\t_ = json.Unmarshal(body, &checked)\n\t}\n"
             "\treturn s.pool.Do(job(ctx, func() []byte {\n\t\tanswer, err :="),), _PROFILE),
    Regression("rates-often", "Fresher exchange rates", "Lookup", (Edit(CACHE, "ratesEvery   = 80", "ratesEvery   = 2"),), _LOOKUP),
    Regression("snapshots", "A snapshot beside the rates", "Lookup", (
        _import(CACHE, '"sync"', "maps"),
        Edit(CACHE, "\tp.lookups++\n", "\tp.lookups++\n\tp.snapshot = maps.Clone(p.entries)\n"),
        Edit(CACHE, "\trates   [3]int\n", "\trates   [3]int\n\tsnapshot map[string]entry\n")), _LOOKUP),
    Regression("generation", "Larger generations", "Touch", (
        Edit(SESSION, "const keptSessions = 12", "const keptSessions = 4000"),), _TOUCH),
    Regression("concatenated", "Receipts line by line", "receipt", (
        Edit(RENDER, "\t\tsum += cents\n", "\t\tsum += cents\n\t\tfor i := 0; i < 20; i++ {\n\t\t\tlines += text.String()\n\t\t}\n"),
        Edit(RENDER, "\tfor sku, total := range totals {\n", '\tlines := ""\n\tfor sku, total := range totals {\n')), _RECEIPT),
    Regression("page-lines", "Format lines apart", "page", (
        Edit(RENDER, '\t\tfmt.Fprintf(&text, "%s  %-30s', '\t\tfmt.Fprint(&text, strings.Repeat(p.Name, 40))\n\t\tfmt.Fprintf(&text, "%s  %-30s'),
        Edit(RENDER, '\t"strconv"\n', '\t"strconv"\n\t"strings"\n')), _PAGE),
    Regression("profile-copy", "Keep the defaults untouched", "mergeProfile", (
        Edit(HANDLERS, "\treturn profile\n", "\tfor i := 0; i < 4; i++ {\n\t\ttext, _ := json.Marshal(profile)\n\t\tprofile = nil\n"
             "\t\t_ = json.Unmarshal(text, &profile)\n\t}\n\treturn profile\n"),), _MERGE),
    Regression("job-values", "Jobs with values of their own", "job", (
        _import(SERVER, '"runtime/trace"', "maps"),
        Edit(SERVER, "\tvalues := ctx.Value(valuesKey{}).(map[string]interface{})\n",
             "\tvalues := ctx.Value(valuesKey{}).(map[string]interface{})\n\tfor range 8 {\n\t\tvalues = maps.Clone(values)\n\t}\n")), _JOB),
    Regression("larger-requests", "Requests with a comment", "Request", (
        Edit(LOAD, "\treturn request\n", "\tpadding := make([]byte, 16<<10)\n\tfor i := range padding {\n\t\tpadding[i] = ' '\n\t}\n"
             "\trequest.Body = append(request.Body, padding...)\n\treturn request\n"),), _REQUEST),
    Regression("history", "A history of requests", "Serve", (
        Edit(SERVER, "\tdefer s.served.Add(1)\n", "\tdefer s.served.Add(1)\n\thistory.Store(request.Number, make([]byte, 4096))\n"),
        Edit(SERVER, "type valuesKey struct{}\n", "var history sync.Map\n\ntype valuesKey struct{}\n"),
        Edit(SERVER, '\t"sync/atomic"\n', '\t"sync"\n\t"sync/atomic"\n')), _SERVE),
    Regression("linear-scan", "Articles by position", "At", (
        Edit(CATALOG, "\treturn c.products[number%len(c.products)]\n",
             "\twanted := number % len(c.products)\n\tfor i, p := range c.products {\n\t\tif i == wanted {\n\t\t\treturn p\n\t\t}\n\t}\n"
             "\treturn nil\n"),), _AT),
    Regression("hashed-owner", "Spread sessions evenly", "owner", (
        _import(POOL, '"encoding/binary"', "crypto/sha256"),
        Edit(POOL, "\treturn int(binary.LittleEndian.Uint64(id[:])",
             "\tsum := sha256.Sum256(id[:])\n\tfor range 4000 {\n\t\tsum = sha256.Sum256(sum[:])\n\t}\n\tid[8] = sum[0]\n"
             "\treturn int(binary.LittleEndian.Uint64(id[:])")), _OWNER),
)  # fmt: skip
