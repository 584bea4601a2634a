"""The incident matrix: what happens to an account, and which alerts must tell of it, when, and that no other does.

`python -m tests.incidents [PATTERN...]` plays scenario files in virtual time (`tests.simulation.world`), lets promtool
evaluate the shipped rules over what was scraped, and prints a table. One file, `scenarios/GROUP/NAME.yml`:

    title: The hourly schedule of a flow stops for four hours
    covers: [missed once, missed thrice]          # of the list of what must be covered
    note: ...                                     # why it is as it is, for people
    account: {flows: 14, seed: 5, history: 6h}    # keys of AccountShape; quiet unless said: nothing fails by itself
    settings:                                     # as in a settings file, without `accounts` and `state`;
      account: {token_expires: ...}               #   `account` is the only account, `acme` (production)
      ownership: [{match: {name: "Orders"}, team: commerce, tier: gold}]
    cast:                                         # names for parts of the account; each is another one
      orders: {flow: scheduled, schedule: "? 20 * ? * *", timezone: UTC, seconds: 20, records: 50}
      many: {flows: scheduled, count: 5, on: shop, of: shopping}
      shop: {connection_of: orders}
    begin: 2026-09-01T10:00:00Z                   # when the warm-up begins, a Tuesday
    warm_up: 1h                                   # of ordinary life; nothing may fire in it
    warm_up_every: 5m                             # a scrape so often in it, at least every 5m
    scrape_every: 1m                              # afterwards, and how often rules are evaluated; longer is cheaper
    steps:                                        # times count from the end of the warm-up
      - {at: 0m, inject: schedule_stopped, flow: orders, as: stop}
      - {at: 4h, lift: stop}
    lasts: 6h                                     # after the warm-up
    expect:
      - {alert: CeligoFlowOverdue, within: [50m, 1h], resolves: [4h, 4h30m], labels: {flow: orders, team: commerce}}

Cast. `flow: TRIGGER` (scheduled, listener, chained, on_demand) is an enabled flow with one generator; `flows: TRIGGER`
with `count` are several. Both take `name` (else made of the cast's name: `big_orders` is called `Big orders`, and
several are numbered), `schedule`, `timezone`, `seconds` (each run takes so long), `records` (the median),
`arrives_every` (listeners), `enabled: false`, `on: CONNECTION` (all of its steps that have one), `of: INTEGRATION`.
`flows_of: PART` are all flows of an integration or a connection. `connection: any` or `unused` (by enabled flows) and
`connection_of: FLOW` take `name` and `behind: AGENT`; `integration: any`, `integration_of: FLOW`, `agent: any`,
`agent_of: CONNECTION` take `name`.
Members are chosen in the order of the file, before the account's history begins. An account has 3 agents, and 4
integrations or a twelfth of its flows; give it more `flows` when none is left.

Steps. `at`, or `at` + `every` + `until` for several times, and one of
- `inject: KIND` with the incident's options (`exporter.simulator`); a cast name of several flows injects one for each;
- `lift: NAME` of what was injected `as: NAME`. `for: 20m` lifts by itself;
- `exporter: down`, `up` or `restart`, with its state file;
- `wire: dns`, `tls`, `connect` (refused) or `connect_timeout`: every call fails below HTTP; lifted like incidents;
- `disk: full`: the exporter cannot write its state file; lifted like incidents;
- `file: bad`: the exporter is told to reload a settings file with a mistake; lifted like incidents, with a reload;
- `clock: 90`: the clock of the exporter's machine is set so many seconds ahead, or back.
The first step is `at: 0m`. With `warm_up: 0m` it happens before the first scrape.

Expectations. `within` and `resolves` are windows. Without `resolves` the alert fires to the end; `resolves: any` does
not say. `labels`: `flow`, `connection`, `integration` and `agent` take names of the cast and stand for their ids; one
that names several flows wants an alert for each. `count: 3` wants so many alerts, `count: any` at least one.
`before: true` allows it in the warm-up already. Whatever else fires is a false alarm, also an expected alert that comes
again. Texts are judged too: no holes in them, a runbook, and the name of what they are about.
"""
