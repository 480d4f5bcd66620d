package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// linter applies the rules to the files of one package.
type linter struct {
	rules rules
	info  *types.Info
	say   func(at token.Pos, rule, format string, a ...any)
}

// lint looks at every use of a darwinkit function: called, held as a value, or
// reached through an interface or an embedded field.
func (l linter) lint(files []*ast.File) {
	for _, f := range files {
		called := map[*ast.Ident]bool{}
		masks := map[*ast.CallExpr]uint64{}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				l.mask(n, masks)
			case *ast.CallExpr:
				id := calleeIdent(n)
				if id == nil {
					break
				}
				called[id] = true
				if l.isSend(id) {
					l.send(n, id, masks[n])
				}
			case *ast.Ident:
				l.use(n, called[n])
			}
			return true
		})
	}
}

// mask notes the constant that a call's result is and-ed with. The operator is
// met before the call, since Inspect goes from the outside in.
func (l linter) mask(b *ast.BinaryExpr, masks map[*ast.CallExpr]uint64) {
	if b.Op != token.AND {
		return
	}
	for _, e := range [][2]ast.Expr{{b.X, b.Y}, {b.Y, b.X}} {
		call, ok := ast.Unparen(e[0]).(*ast.CallExpr)
		if v := l.info.Types[e[1]].Value; ok && v != nil {
			if m, exact := constant.Uint64Val(constant.ToInt(v)); exact {
				masks[call] = m
			}
		}
	}
}

func (l linter) darwinkitFunc(id *ast.Ident) *types.Func {
	fn, ok := l.info.Uses[id].(*types.Func)
	if !ok || fn.Pkg() == nil || !strings.HasPrefix(fn.Pkg().Path(), darwinkit) {
		return nil
	}
	return fn
}

func (l linter) isSend(id *ast.Ident) bool {
	fn := l.darwinkitFunc(id)
	return fn != nil && fn.Pkg().Path() == objcPath && fn.Name() == "Call" && fn.Signature().Recv() == nil
}

// use checks one mention of a darwinkit function.
func (l linter) use(id *ast.Ident, called bool) {
	fn := l.darwinkitFunc(id)
	if fn == nil {
		return
	}
	if name, why, bad := l.rules.verdict(fn); bad {
		l.say(id.Pos(), why.rule, "%s %s", name, why.why)
	} else if l.isSend(id) && !called {
		l.say(id.Pos(), "unchecked", "objc.Call held as a value cannot be checked; call it where it stands")
	}
}

// send checks objc.Call[T](receiver, selector, args...) against the generated
// methods that send the same selector. mask is what the result is and-ed with.
func (l linter) send(call *ast.CallExpr, id *ast.Ident, mask uint64) {
	at := id.Pos()
	inst, ok := l.info.Instances[id]
	if !ok || len(call.Args) < 2 {
		return // the type checker has reported it
	}
	result := inst.TypeArgs.At(0)
	if _, generic := types.Unalias(result).(*types.TypeParam); generic {
		l.say(at, "unchecked", "objc.Call[%s]: write the result type out, a type parameter cannot be checked", result)
		return
	}
	if why, bad := badResult(result); bad {
		l.say(at, why.rule, "objc.Call[%s] %s", result, why.why)
	}
	if call.Ellipsis.IsValid() {
		l.say(at, "unchecked", "objc.Call with a spread argument list cannot be checked; write the arguments out")
		return
	}
	args := call.Args[2:]
	for _, a := range args {
		if t := l.info.Types[a].Type; t != nil && kind(t) == "func" {
			l.say(a.Pos(), closure.rule, "this argument %s", closure.why)
			return
		}
	}
	name := selectorLiteral(call.Args[1])
	if name == "" {
		l.say(at, "unchecked", `the selector must be a literal, objc.Sel("name:"), to be checked`)
		return
	}
	if want := strings.Count(name, ":"); want != len(args) {
		l.say(at, "arity", "selector %q takes %d arguments, %d given", name, want, len(args))
		return
	}
	m, ok := l.generated(name, call.Args[0])
	if !ok {
		l.say(at, "selector", "selector %q is sent by no generated method of the loaded packages", name)
		return
	}
	l.arguments(name, m, args)
	l.result(at, name, m, result, mask)
}

// generated finds the method to compare with: that of the receiver's own type
// when it has one, else any that sends the selector.
func (l linter) generated(selector string, receiver ast.Expr) (message, bool) {
	known := l.rules.sent[selector]
	if len(known) == 0 {
		return message{}, false
	}
	if n, ok := types.Unalias(l.info.Types[receiver].Type).(*types.Named); ok {
		for _, m := range known {
			if m.recv == n.Obj().Name() {
				return m, true
			}
		}
	}
	return known[0], true
}

func (l linter) arguments(selector string, m message, args []ast.Expr) {
	for i, a := range args {
		t := l.info.Types[a].Type
		want, got := kind(m.sig.Params().At(i).Type()), kind(t)
		if want != got && (want != "object" || got != "pointer") {
			l.say(a.Pos(), "argument", "selector %q, argument %d: want %s, got %s (%s)",
				selector, i+1, want, got, t)
		}
	}
}

func (l linter) result(at token.Pos, selector string, m message, result types.Type, mask uint64) {
	want, narrow := "nothing", uint64(0)
	if m.sig.Results().Len() == 1 {
		t := m.sig.Results().At(0).Type()
		want, narrow = kind(t), smallMask(t)
	}
	got := kind(result)
	switch {
	case narrow != 0 && got == "8-byte integer":
		if mask != narrow {
			l.say(at, "mask", "selector %q returns %s: only its low bytes are defined, write & %#x", selector, want, narrow)
		}
	case want != got && smallMask(result) == 0: // a small one is reported already
		l.say(at, "result", "selector %q returns %s, objc.Call[%s] asks for %s", selector, want, result, got)
	}
}
