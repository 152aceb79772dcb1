// Mapassert finds type assertions on elements of maps that can panic, and maps that loops format.
//
//	mapassert ./...                                    text, exit code 3 if something was found
//	mapassert -sarif ./... > findings.sarif            SARIF 2.1.0
//	go vet -vettool=$(which mapassert) ./...           as part of go vet, from its cache
//	go vet -vettool=$(which mapassert) -json ./... 2>&1 | mapassert -sarif - > findings.sarif
//
// mapassert help says what the rules and their flags are.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/multichecker"
	"golang.org/x/tools/go/analysis/unitchecker"

	"tracemill/mapassert/hotformat"
	"tracemill/mapassert/sarif"
	"tracemill/mapassert/unguarded"
)

var analyzers = []*analysis.Analyzer{unguarded.Analyzer, hotformat.Analyzer}

// A loop that formats a map is a matter of cost, and only a profile tells how much.
var levels = map[string]string{"mapassert": "warning", "hotformat": "note"}

func main() {
	arguments := os.Args[1:]
	if isForVet(arguments) {
		unitchecker.Main(analyzers...)
	}
	for i, argument := range arguments {
		if argument == "-sarif" || argument == "--sarif" {
			if err := writeSARIF(append(append([]string{}, arguments[:i]...), arguments[i+1:]...)); err != nil {
				fmt.Fprintln(os.Stderr, "mapassert:", err)
				os.Exit(1)
			}
			return
		}
	}
	multichecker.Main(analyzers...)
}

// isForVet says whether go vet asks: what the tool is, which flags it has, or for the findings of a package.
func isForVet(arguments []string) bool {
	if len(arguments) == 0 {
		return false
	}
	last := arguments[len(arguments)-1]
	return last == "-V=full" || last == "-flags" || strings.HasSuffix(last, ".cfg")
}

// writeSARIF writes the findings of packages, or those that go vet -json found and standard input has.
func writeSARIF(arguments []string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	var found io.Reader = os.Stdin
	if len(arguments) != 1 || arguments[0] != "-" {
		printed, err := asJSON(arguments)
		if err != nil {
			return err
		}
		found = bytes.NewReader(printed)
	}
	var rules []sarif.Rule
	for _, each := range analyzers {
		rules = append(rules, sarif.Rule{ID: each.Name, Level: levels[each.Name], Doc: each.Doc})
	}
	return sarif.Write(os.Stdout, found, "mapassert", rules, root)
}

// asJSON runs this program once more: the one public way to a checker's findings that every version of x/tools has.
func asJSON(arguments []string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	again := exec.Command(self, append([]string{"-json"}, arguments...)...)
	again.Stderr = os.Stderr
	printed, err := again.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(printed) > 0 {
		return printed, nil // older versions say by the exit code that there are findings
	}
	return printed, err
}
