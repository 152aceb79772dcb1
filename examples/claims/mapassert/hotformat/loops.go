package hotformat

import (
	"go/token"

	"golang.org/x/tools/go/ssa"

	"tracemill/mapassert/flow"
)

// loops are the functions that loops of the package call, each with the place of such a call.
type loops struct {
	called map[*ssa.Function]token.Pos
	blocks map[*ssa.BasicBlock]bool // those in a loop of their function
}

func loopsOf(values *flow.Package) loops {
	found := loops{called: map[*ssa.Function]token.Pos{}, blocks: map[*ssa.BasicBlock]bool{}}
	for _, f := range values.Functions {
		for _, block := range f.Blocks {
			found.blocks[block] = leadsBack(block)
		}
	}
	for isMore := true; isMore; {
		isMore = false
		for _, f := range values.Functions {
			if _, ok := found.called[f]; ok {
				continue
			}
			for _, call := range values.Callers(f) {
				if at, ok := found.around(call); ok {
					found.called[f] = at
					isMore = true
					break
				}
			}
		}
	}
	return found
}

// around is the place of the loop that an instruction is in: its own, or that of a call in a loop that leads to it.
func (l loops) around(call ssa.CallInstruction) (token.Pos, bool) {
	if l.blocks[call.Block()] {
		return call.Pos(), true
	}
	at, ok := l.called[call.Parent()]
	return at, ok && leadsOut(call.Block())
}

// leadsOut says whether a function can return after a block: what it prints before a panic it prints once.
func leadsOut(block *ssa.BasicBlock) bool {
	return leads(block, func(to *ssa.BasicBlock) bool {
		_, ok := to.Instrs[len(to.Instrs)-1].(*ssa.Return)
		return ok
	})
}

// leadsBack says whether a block can come again in one call.
func leadsBack(block *ssa.BasicBlock) bool {
	for _, next := range block.Succs {
		if leads(next, func(to *ssa.BasicBlock) bool { return to == block }) {
			return true
		}
	}
	return false
}

// leads says whether a block of a kind can come from a block on, itself included.
func leads(from *ssa.BasicBlock, isIt func(*ssa.BasicBlock) bool) bool {
	seen := map[*ssa.BasicBlock]bool{}
	for next := []*ssa.BasicBlock{from}; len(next) > 0; {
		block := next[len(next)-1]
		next = next[:len(next)-1]
		if seen[block] {
			continue
		}
		seen[block] = true
		if isIt(block) {
			return true
		}
		next = append(next, block.Succs...)
	}
	return false
}
