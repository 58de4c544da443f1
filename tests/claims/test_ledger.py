"""The ledger is complete, is computed from results, and notices when it is out of date."""

import dataclasses
import json
import sys

import pytest

from nmcourse import claims
from nmcourse.claims import __main__ as command_line
from nmcourse.claims import judging, ledger, runner
from nmcourse.evidence import store
from nmcourse.evidence.record import STATUSES, Experiment, Judgement, LedgerError, Rule
from nmcourse.evidence.store import Results, results_path
from nmcourse.experiments import registry
from nmcourse.training.tiers import TIERS


def test_every_target_has_a_record():
    wanted = {f"N{number}" for number in range(1, 17)} | {f"C{number}" for number in range(1, 16)}
    wanted |= {f"R{number}" for number in range(1, 19)}  # the reviewers' questions
    assert wanted <= set(claims.ids())
    assert len(set(claims.ids())) == len(claims.ids())


def test_records_are_complete():
    for claim in judging.CLAIMS:
        assert claim.statement.endswith((".", "?")), claim.id
        assert claim.source, claim.id
        assert claim.published, claim.id


def test_every_rule_belongs_to_a_claim():
    assert set(registry.by_claim()) <= set(claims.ids())


def test_stored_ledger_agrees_with_the_results():
    assert judging.check() == []


def test_json_has_what_others_rely_on(capsys):
    assert command_line.main(["--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in entries] == list(claims.ids())
    for entry in entries:
        texts = {key for key, value in entry.items() if isinstance(value, str)}
        assert texts >= {"id", "statement", "source", "published", "measured", "spread"}
        assert texts >= {"tolerance", "rule", "status", "command", "chapter"}
        assert type(entry["seeds"]) is int
        assert entry["status"] in STATUSES
        measured = entry["status"] != "not attempted"
        assert bool(entry["evidence"]) == measured
        assert entry["command"] or not measured


def test_results_are_small():
    for path in store.FOLDER.glob("*.json"):
        assert path.stat().st_size < 1_000_000, path.name


def test_unknown_claim_lists_what_there_is():
    with pytest.raises(claims.ClaimError, match=r"^no claim 'N99' in the ledger; there are N1, N2"):
        claims.get("N99")
    with pytest.raises(KeyError):
        claims.box("N99")


def test_a_claim_without_results(small_ledger):
    entry = claims.get("T1")
    assert (entry.status, entry.measured, entry.seeds) == ("not attempted", "not measured", 0)
    assert entry.command == "python -m nmcourse.claims run T1"
    with pytest.raises(claims.ClaimError, match="claim T1 has no results yet"):
        claims.value("T1", "net.error")


def test_a_claim_without_an_experiment(small_ledger):
    entry = claims.get("T2")
    assert (entry.status, entry.command, entry.rule) == ("not attempted", "", "not fixed yet")
    with pytest.raises(claims.ClaimError, match="claim T2 has no experiment yet"):
        runner.run("T2", resume_dir=small_ledger.runs)


@pytest.mark.parametrize(
    ("values", "status"), [([1.0, 2.0, 4.0], "reproduced"), ([1.0, 2.5, 4.0], "not reproduced")]
)
def test_the_numbers_decide(small_ledger, values, status):
    small_ledger.values = values
    (entry,) = runner.run("T1", resume_dir=small_ledger.runs)
    assert entry == claims.get("T1")
    assert entry.status == status
    assert entry.seeds == 3
    assert entry.measured.startswith("median 2")
    assert entry.evidence == "results/weights.json"
    assert claims.value("T1", "net.error.maximum") == 4.0
    assert claims.number("T1", "net.error.minimum") == "1"
    assert claims.summary("T1", "net.error").n == 3
    assert judging.check() == []


def test_number_is_one_number(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)
    with pytest.raises(claims.ClaimError, match=r"'net\.error' is not one number"):
        claims.number("T1", "net.error")


def test_a_killed_run_goes_on_and_a_finished_one_starts_again(small_ledger):
    small_ledger.kill_at = 2
    with pytest.raises(KeyboardInterrupt):
        runner.run("T1", resume_dir=small_ledger.runs)
    assert claims.get("T1").status == "not attempted"
    small_ledger.kill_at = None
    runner.run("T1", resume_dir=small_ledger.runs)
    assert small_ledger.calls == [0, 1, 2]
    runner.run("T1", resume_dir=small_ledger.runs)
    assert small_ledger.calls == [0, 1, 2, 0, 1, 2]


def test_fresh_throws_unfinished_work_away(small_ledger):
    small_ledger.kill_at = 2
    with pytest.raises(KeyboardInterrupt):
        runner.run("T1", resume_dir=small_ledger.runs)
    small_ledger.kill_at = None
    runner.run("T1", resume_dir=small_ledger.runs, fresh=True)
    assert small_ledger.calls == [0, 1, 0, 1, 2]


def test_smoke_results_never_reach_the_ledger(small_ledger):
    (entry,) = runner.run("T1", tier="smoke", resume_dir=small_ledger.runs)
    assert entry.status == "reproduced"
    assert entry.tier == "smoke"
    assert not store.FOLDER.exists()
    assert claims.get("T1").status == "not attempted"


def with_tiers(small_ledger, monkeypatch, *tiers: str) -> None:
    """Let the small experiment have settings for these tiers."""
    experiment = dataclasses.replace(small_ledger.experiment, tiers=tiers)
    for module in (judging, runner):
        monkeypatch.setattr(module, "by_claim", lambda **_: registry.by_claim((experiment,)))


def test_the_tier_stands_in_the_command(small_ledger, monkeypatch):
    with_tiers(small_ledger, monkeypatch, "smoke", "cpu", "gpu")
    (line,) = runner.run("T1", tier="gpu", resume_dir=small_ledger.runs)
    assert line.command == "python -m nmcourse.claims run T1 --tier gpu"
    assert claims.get("T1").status == "not attempted"  # the ledger is that of the tier cpu


def test_a_tier_without_settings_is_refused_before_anything_is_written(small_ledger, capsys):
    before = {path: path.read_bytes() for path in small_ledger.folder.rglob("*") if path.is_file()}
    message = "tier must be one of smoke, cpu for claim T1: its experiment, weights, has no "
    with pytest.raises(ValueError, match=f"^{message}settings for 'gpu'"):
        runner.run("T1", tier="gpu", resume_dir=small_ledger.runs, fresh=True)
    arguments = ["run", "T1", "--tier", "gpu", "--resume-dir", str(small_ledger.runs)]
    assert command_line.main(arguments) == 1
    assert message in capsys.readouterr().err
    assert small_ledger.calls == []
    assert not small_ledger.runs.exists()
    after = {path: path.read_bytes() for path in small_ledger.folder.rglob("*") if path.is_file()}
    assert after == before


def test_unfinished_work_may_lie_in_the_home_folder(small_ledger, monkeypatch):
    monkeypatch.setenv("HOME", str(small_ledger.runs))
    runner.run("T1", tier="smoke", resume_dir="~/unfinished")
    assert (small_ledger.runs / "unfinished/weights/smoke/results.json").is_file()


@pytest.mark.parametrize("experiment", registry.EXPERIMENTS, ids=lambda e: e.name)
def test_an_experiment_names_the_tiers_that_it_has_settings_for(experiment, tmp_path):
    module = sys.modules[experiment.run.__module__]
    settings = getattr(module, "SETTINGS", dict.fromkeys(experiment.tiers))
    assert set(experiment.tiers) == set(settings) <= set(TIERS)
    if hasattr(module, "SETTINGS"):
        with pytest.raises(ValueError, match="there are no settings for the tier 'tpu', only for"):
            experiment.run("tpu", tmp_path)


def test_unknown_tier(small_ledger):
    with pytest.raises(ValueError, match="tier must be one of smoke, cpu, gpu, got 'tpu'"):
        runner.run("T1", tier="tpu", resume_dir=small_ledger.runs)


def test_a_number_changed_by_hand_is_found(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)
    path = results_path("weights")
    path.write_text(path.read_text().replace("2.0", "1.5"))
    problems = judging.check()
    assert any("T1: measured is stored as 'median 2 " in problem for problem in problems)
    assert any("T1: evidence_sha256" in problem for problem in problems)


def test_a_status_typed_into_the_ledger_is_found(small_ledger, capsys):
    runner.run("T1", resume_dir=small_ledger.runs)
    path = ledger.ledger_path()
    path.write_text(path.read_text().replace('"not attempted"', '"reproduced"'))
    assert command_line.main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "T2: status is stored as 'reproduced', but judged as 'not attempted'" in printed
    assert command_line.main(["update"]) == 0
    assert command_line.main(["check"]) == 0
    assert "2 claims agree" in capsys.readouterr().out


def test_check_finds_strays(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)
    results_path("stray").write_text("{}")
    stored = json.loads(ledger.ledger_path().read_text())
    stored[1]["id"] = "T3"
    ledger.ledger_path().write_text(json.dumps(stored))
    problems = judging.check()
    assert "claim T3: stored, but has no record" in problems
    assert "claim T2: not in ledger.json" in problems
    assert "results/stray.json belongs to no experiment" in problems


@pytest.mark.parametrize("text", ["", "{", "[3]", '[{"status": "measured"}]'])
def test_check_of_a_damaged_ledger(small_ledger, text):
    ledger.ledger_path().write_text(text)
    (problem,) = judging.check()
    assert "ledger.json cannot be read" in problem


def test_check_reports_damaged_results(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)
    results_path("weights").write_text("{")
    assert any("weights.json is not valid JSON" in problem for problem in judging.check())


def test_results_that_a_rule_cannot_judge(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)
    path = results_path("weights")
    path.write_text(path.read_text().replace('"error"', '"loss"'))
    with pytest.raises(LedgerError, match=r"claim T1: its rule cannot judge .* no 'error' at net"):
        judging.judge_again(judging.find("T1"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "true"}, "status must be one of"),
        ({"status": "not attempted"}, "status must be one of"),
        ({"seeds": -1}, "seeds must be a whole number"),
        ({"seeds": 2.0}, "seeds must be a whole number"),
        ({"caveats": "one sentence"}, "caveats must be a tuple"),
    ],
)
def test_judgements_that_are_refused(changes, message):
    judgement = {"status": "measured", "measured": "", "spread": "", "seeds": 1, **changes}
    with pytest.raises(ValueError, match=message):
        Judgement(**judgement)


def test_a_claim_is_settled_once():
    rule = Rule(lambda results: Judgement("measured", "", "", 0), "", "")
    one, other = (Experiment(name, lambda tier, run_dir: {}, {"T1": rule}) for name in "ab")
    with pytest.raises(ValueError, match="claim T1 is settled twice: a, b"):
        registry.by_claim((one, other))
    with pytest.raises(ValueError, match="two experiments are named 'a'"):
        registry.by_claim((one, one))


def test_command_line_run(small_ledger, capsys):
    arguments = ["run", "T1", "--tier", "cpu", "--resume-dir", str(small_ledger.runs)]
    assert command_line.main(arguments) == 0
    assert "Status: ✔\N{NO-BREAK SPACE}reproduced" in capsys.readouterr().out
    assert command_line.main([]) == 0
    assert "Claim ledger, 2 claims: 1 reproduced, 1 not attempted" in capsys.readouterr().out


def test_command_line_names_what_is_wrong(small_ledger, capsys):
    assert command_line.main(["run", "T9"]) == 1
    assert "no claim 'T9'" in capsys.readouterr().err


def test_a_rule_that_changes_after_the_run_is_told(small_ledger, monkeypatch):
    (entry,) = runner.run("T1", resume_dir=small_ledger.runs)
    assert entry.rule_age == "before the results"
    old = small_ledger.experiment.rules["T1"]

    def judge(results):
        return Judgement("reproduced", measured="", spread="", seeds=3)

    changed = Experiment("weights", small_ledger.experiment.run, {"T1": Rule(judge, "", old.rule)})
    monkeypatch.setattr(judging, "by_claim", lambda: {"T1": changed})
    assert judging.judge_again(judging.find("T1")).rule_age == "after the results"
    assert any("T1: rule_age is stored as 'before the results'" in p for p in judging.check())


def test_a_rule_that_was_fixed_when_a_part_had_been_seen_is_told(small_ledger, monkeypatch):
    runner.run("T1", resume_dir=small_ledger.runs)
    old = small_ledger.experiment
    for changed, age, words in (
        (
            dataclasses.replace(old.rules["T1"], amid_results=True),
            "amid the results",
            "a part of its results",
        ),
        (
            Rule(lambda r: Judgement("reproduced", "", "", 3), "", "", amid_results=True),
            "after the results",
            "after the results were known",
        ),
    ):
        told = dataclasses.replace(old, rules={"T1": changed})
        monkeypatch.setattr(judging, "by_claim", lambda told=told: {"T1": told})
        entry = judging.judge_again(judging.find("T1"))
        assert entry.rule_age == age
        assert words in dict(claims.Box(entry).rows())["Rule fixed"]


def test_a_measurement_that_was_made_again_is_told(small_ledger, monkeypatch):
    runner.run("T1", resume_dir=small_ledger.runs)
    old = small_ledger.experiment
    again = dataclasses.replace(old.rules["T1"], again="Measured again: the first was in part.")
    told = dataclasses.replace(old, rules={"T1": again})
    monkeypatch.setattr(judging, "by_claim", lambda: {"T1": told})
    entry = judging.judge_again(judging.find("T1"))
    assert entry.rule_age == "after earlier results"
    assert entry.caveats[-1] == "Measured again: the first was in part."
    assert "earlier results were known" in dict(claims.Box(entry).rows())["Rule fixed"]


@pytest.mark.parametrize("claim", ["C6", "N16", "R5", "R7"])
def test_claims_that_were_measured_again_say_so(claim):
    entry = ledger.get(claim)
    assert entry.rule_age == "after earlier results"
    assert "Measured again" in entry.caveats[-1]


def test_the_rule_of_r16_came_when_readers_had_been_seen():
    entry = ledger.get("R16")
    assert "this arm was added when most readers had been seen" in entry.caveats[0]
    assert entry.rule_age == "amid the results"


def test_a_rule_that_changes_while_the_run_goes_on_is_told(small_ledger, monkeypatch):
    small_ledger.kill_at = 2
    with pytest.raises(KeyboardInterrupt):
        runner.run("T1", resume_dir=small_ledger.runs)
    small_ledger.kill_at = None
    with monkeypatch.context() as patch:
        patch.setattr(Rule, "fingerprint", lambda rule: "another")
        (entry,) = runner.run("T1", resume_dir=small_ledger.runs)
    assert entry.rule_age == "after the results"


def test_a_claim_that_is_not_decided_says_why():
    with pytest.raises(ValueError, match="reason must say why a claim is not decided"):
        Judgement("not decided", measured="", spread="", seeds=3)
    with pytest.raises(ValueError, match="reason must say why a claim is not decided"):
        Judgement("reproduced", measured="", spread="", seeds=3, reason="too few seeds")
    with pytest.raises(ValueError, match="fair_status must be"):
        Judgement("reproduced", measured="", spread="", seeds=3, fair_status="maybe")


@pytest.mark.parametrize(
    ("published", "allowed"),
    [("not published", False), ("not published: an idea", False), ("10 of 10 networks", True)],
)
def test_what_nobody_published_is_measured_and_not_compared(small_ledger, published, allowed):
    claim = dataclasses.replace(judging.find("T1"), published=published)
    results = Results({"net": {"error": [1.0]}}, {}, experiment="weights")
    if allowed:
        assert judging.judge(claim, small_ledger.experiment, results).status == "reproduced"
        return
    with pytest.raises(LedgerError, match=r"claim T1: nothing was published .* not reproduced"):
        judging.judge(claim, small_ledger.experiment, results)


def test_every_verdict_says_what_would_change_it():
    for entry in claims.entries():
        assert bool(entry.would_change) == bool(entry.evidence), entry.id
        if said := entry.would_change:  # written as the others are: it stands after a colon
            assert not said[0].islower(), entry.id
            assert not said.endswith("."), entry.id
        if entry.published.startswith("not published"):
            assert entry.status in ("measured", "not decided", "not attempted"), entry.id


def test_a_question_of_this_course_says_what_came_of_its_sentence():
    """Where the sentence is ours, a status that says measured must not hide the answer."""
    for entry in claims.entries():
        if "sentence of this course" in entry.source and entry.evidence:
            assert entry.measured.startswith("The sentence of this course "), entry.id
