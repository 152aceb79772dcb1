// Rule looks for type assertions without ok, to a concrete type, on elements of a map whose values are
// interface{}, and prints them as SARIF 2.1.0: rule <folder of a package without imports>.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"path/filepath"
)

func main() {
	files := token.NewFileSet()
	var parsed []*ast.File
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := new(types.Config).Check(os.Args[1], files, parsed, info); err != nil {
		log.Fatal(err)
	}
	results := []any{}
	for _, file := range parsed {
		for _, declared := range file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok {
				for _, at := range risks(function, info) {
					results = append(results, result(function.Name.Name, files.Position(at)))
				}
			}
		}
	}
	print(results)
}

// risks returns where function's unguarded assertions stand.
func risks(function *ast.FuncDecl, info *types.Info) (found []token.Pos) {
	guarded := map[ast.Expr]bool{}
	ast.Inspect(function, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.AssignStmt:
			if len(node.Lhs) == 2 && len(node.Rhs) == 1 {
				guarded[node.Rhs[0]] = true
			}
		case *ast.TypeAssertExpr: // comes after the assignment that it is part of
			element, ok := node.X.(*ast.IndexExpr)
			if ok && node.Type != nil && !guarded[node] && isMapOfAny(info.TypeOf(element.X)) &&
				!types.IsInterface(info.TypeOf(node.Type)) {
				found = append(found, node.Pos())
			}
		}
		return true
	})
	return found
}

func isMapOfAny(t types.Type) bool {
	m, ok := t.Underlying().(*types.Map)
	if !ok {
		return false
	}
	value, ok := m.Elem().Underlying().(*types.Interface)
	return ok && value.Empty()
}

type object = map[string]any

func result(function string, at token.Position) object {
	return object{
		"ruleId":  "unguarded-assertion",
		"level":   "warning",
		"message": object{"text": fmt.Sprintf("%s asserts a concrete type without ok", function)},
		"locations": []any{object{"physicalLocation": object{
			"artifactLocation": object{"uri": filepath.ToSlash(at.Filename)},
			"region":           object{"startLine": at.Line, "startColumn": at.Column},
		}}},
	}
}

func print(results []any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	err := encoder.Encode(object{
		"version": "2.1.0",
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"runs": []any{object{
			"tool":    object{"driver": object{"name": "claims-rule"}},
			"results": results,
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
}
