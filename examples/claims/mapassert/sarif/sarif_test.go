package sarif

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rules = []Rule{{"one", "warning", "find one\n\nMore of it."}, {"two", "note", "find two"}}

func written(t *testing.T, printed string) run {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, strings.NewReader(printed), "tool", rules, "/src/app"); err != nil {
		t.Fatal(err)
	}
	var found log
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	return found.Runs[0]
}

func places(r run) (found []string) {
	for _, each := range r.Results {
		at := each.Locations[0].Physical
		found = append(found, fmt.Sprintf("%s %s%s:%d:%d %s", each.RuleID, at.Artifact.Base, at.Artifact.URI,
			at.Region.Line, at.Region.Column, each.Level))
	}
	return found
}

func TestFindingsAreInOrderAndOnce(t *testing.T) {
	found := places(written(t, `{
		"app": {"one": [{"posn": "/src/app/b b.go:10:2", "message": "x"}, {"posn": "/src/app/a/a.go:9:3", "message": "x"}]},
		"app [app.test]": {"one": [{"posn": "/src/app/a/a.go:9:3", "message": "x"}],
			"two": [{"posn": "/src/app/b b.go:2:1", "message": "y"}],
			"three": [{"posn": "/src/app/c.go:2:1", "message": "of another tool"}]}}`))
	wanted := []string{"one %SRCROOT%a/a.go:9:3 warning", "two %SRCROOT%b%20b.go:2:1 note", "one %SRCROOT%b%20b.go:10:2 warning"}
	if strings.Join(found, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("%q", found)
	}
}

func TestFilesElsewhereHaveTheirPath(t *testing.T) {
	found := places(written(t, `{"std": {"one": [{"posn": "/go/src/fmt/print.go:1:1", "message": "x"}]}}`))
	if len(found) != 1 || found[0] != "one file:///go/src/fmt/print.go:1:1 warning" {
		t.Errorf("%q", found)
	}
}

func TestColumnsAreCharacters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(file, []byte("x\n\t\"äö\" + m[k].(int)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := written(t, fmt.Sprintf(`{"app": {"one": [{"posn": "%s:2:10", "message": "x"}]}}`, file))
	if column := found.Results[0].Locations[0].Physical.Region.Column; column != 8 {
		t.Errorf("column %d", column)
	}
}

func TestWhatVetPrintsIsRead(t *testing.T) {
	found := written(t, "# app\n{\"app\": {\"one\": [{\"posn\": \"/src/app/a.go:1:1\", \"message\": \"x\"}]}}\n# app/b\n{}\n")
	if len(found.Results) != 1 || !found.Invocations[0].IsSuccessful {
		t.Errorf("%+v", found)
	}
}

func TestAFailedAnalyzerIsSaid(t *testing.T) {
	found := written(t, `{"app": {"one": {"error": "no types"}}}`)
	if found.Invocations[0].IsSuccessful || found.Invocations[0].Notifications[0].Message.Text != "one failed: no types" {
		t.Errorf("%+v", found.Invocations)
	}
}

func TestNothingFoundIsAWholeLog(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, strings.NewReader("{}"), "tool", rules, "/"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"results": []`) {
		t.Error(out.String())
	}
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	for _, printed := range []string{"a.go:1:1: x", `{"app": {"one": [{"posn": "a.go", "message": "x"}]}}`} {
		if err := Write(&bytes.Buffer{}, strings.NewReader(printed), "tool", rules, "/"); err == nil {
			t.Errorf("%s: is taken", printed)
		}
	}
}
