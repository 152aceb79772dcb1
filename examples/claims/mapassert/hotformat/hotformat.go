// Package hotformat has the rule that finds maps and large values which a loop passes to fmt, log, encoding/json or
// reflect.
package hotformat

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/ssa"

	"tracemill/mapassert/flow"
)

const doc = `find maps and large values that a loop passes to fmt, log, encoding/json or reflect

What formats or marshals a map walks it and sorts its keys, each time; a large value is copied to the heap before. The
call stands in a loop, or in a function that a loop of the package calls. How hot the loop is only a profile tells:
load the findings beside heap profiles and order them by the bytes that were sampled under the line.`

// Analyzer is the rule.
var Analyzer = &analysis.Analyzer{
	Name:     "hotformat",
	Doc:      doc,
	Requires: []*analysis.Analyzer{buildssa.Analyzer},
	Run:      run,
}

var largeBytes int64

func init() {
	Analyzer.Flags.Int64Var(&largeBytes, "large", 256, "bytes from which on a value is large")
}

func run(pass *analysis.Pass) (interface{}, error) {
	values := flow.New(pass.ResultOf[buildssa.Analyzer].(*buildssa.SSA))
	loops := loopsOf(values)
	values.Instructions(func(i ssa.Instruction) {
		call, ok := i.(ssa.CallInstruction)
		if !ok || !call.Pos().IsValid() {
			return
		}
		loop, isHot := loops.around(call)
		name := walker(call)
		if !isHot || name == "" {
			return
		}
		reported := map[string]bool{}
		for _, argument := range boxed(call) {
			if isNamed(call, argument) {
				continue
			}
			values.Walk(argument.value, flow.At(call), func(v ssa.Value, _ flow.Place) bool {
				made, ok := v.(*ssa.MakeInterface)
				if !ok {
					return true
				}
				if what := costly(pass, made.X.Type()); !saysItself(call, made.X.Type()) && what != "" && !reported[what] {
					reported[what] = true
					pass.Reportf(call.Pos(), "%s passes %s to %s in a loop%s",
						call.Parent().RelString(pass.Pkg), what, name, elsewhere(pass.Fset, call.Pos(), loop))
				}
				return false
			})
		}
	})
	return nil, nil
}

// walker is the name of the function that a call means, if it walks what it is given by reflection.
func walker(call ssa.CallInstruction) string {
	callee := call.Common().StaticCallee()
	if callee == nil || callee.Pkg == nil {
		return ""
	}
	isOne := false
	switch name := callee.Name(); callee.Pkg.Pkg.Path() {
	case "fmt":
		isOne = strings.Contains(name, "rint") || strings.HasPrefix(name, "Append") || name == "Errorf"
	case "log":
		isOne = strings.HasPrefix(name, "Print") || strings.HasPrefix(name, "Panic")
	case "encoding/json":
		isOne = name == "Marshal" || name == "MarshalIndent" || name == "Encode"
	case "reflect":
		isOne = name == "ValueOf" || name == "DeepEqual"
	}
	if !isOne {
		return ""
	}
	return callee.RelString(nil)
}

// argument is a value that a call is given as an interface; place: which of the variadic ones, or -1.
type argument struct {
	value ssa.Value
	place int64
}

// boxed are the arguments that a call is given as interfaces, those of a variadic parameter too.
func boxed(call ssa.CallInstruction) (found []argument) {
	for _, given := range call.Common().Args {
		if isAny(given.Type()) {
			found = append(found, argument{given, -1})
		}
		if slice, ok := given.(*ssa.Slice); ok {
			found = append(found, elements(slice)...)
		}
	}
	return found
}

// elements are the interfaces that the array of a slice was given, as a variadic call makes it.
func elements(slice *ssa.Slice) (found []argument) {
	array, ok := slice.X.(*ssa.Alloc)
	if !ok {
		return nil
	}
	for _, use := range *array.Referrers() {
		element, ok := use.(*ssa.IndexAddr)
		if !ok {
			continue
		}
		index, ok := element.Index.(*ssa.Const)
		if !ok {
			continue
		}
		for _, use := range *element.Referrers() {
			if store, ok := use.(*ssa.Store); ok && isAny(store.Val.Type()) {
				found = append(found, argument{store.Val, index.Int64()})
			}
		}
	}
	return found
}

func isAny(t types.Type) bool {
	any, ok := t.Underlying().(*types.Interface)
	return ok && any.Empty()
}

// costly says what makes a value of type t costly to format; empty if nothing does.
func costly(pass *analysis.Pass, t types.Type) string {
	name := types.TypeString(t, types.RelativeTo(pass.Pkg))
	if pointer, ok := t.Underlying().(*types.Pointer); ok && holdsMap(pointer.Elem()) {
		return "a map in " + name
	}
	if _, ok := t.Underlying().(*types.Map); ok {
		return "the map " + name
	}
	if holdsMap(t) {
		return "a map in " + name
	}
	if _, ok := t.(*types.TypeParam); ok {
		return ""
	}
	if size := pass.TypesSizes.Sizeof(t); size >= largeBytes {
		return fmt.Sprintf("%d bytes of %s", size, name)
	}
	return ""
}

// holdsMap says whether values of t have a map among their own fields and elements, not behind pointers.
func holdsMap(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Array:
		return holdsMap(t.Elem())
	case *types.Struct:
		for i := 0; i < t.NumFields(); i++ {
			if holdsMap(t.Field(i).Type()) {
				return true
			}
		}
	}
	return false
}

// elsewhere says where the loop is, if the call stands in none itself.
func elsewhere(files *token.FileSet, at, loop token.Pos) string {
	if loop == at {
		return ""
	}
	place := files.Position(loop)
	return fmt.Sprintf(" (through the call at %s:%d)", filepath.Base(place.Filename), place.Line)
}
