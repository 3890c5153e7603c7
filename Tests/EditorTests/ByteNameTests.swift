#if os(Linux)
    import Foundation
    import Testing

    /// Names of files that are no UTF-8, as older disks and archives bring them. (APFS holds none.)
    @Suite struct ByteNameTests {
        private static func editor() throws -> Editor {
            let editor = try Editor()
            try editor.writePictures()
            try TinyModel.write(to: editor.folder.appending(path: "model"))
            #expect(
                try editor.shell("cp a.png $'caf\\xe9.png'; cp m.png $'m\\xff\\xc3.png'; mkdir $'d\\xe9'").code == 0)
            return editor
        }

        private static let quick = "--model model --steps 1 --seed 1"

        @Test func `Pictures and masks are read, and results written beside them`() throws {
            let editor = try Self.editor()
            let outcome = try editor.shell(
                "\"$EDITOR_PROGRAM\" inpaint $'caf\\xe9.png' $'m\\xff\\xc3.png' fox \(Self.quick) && test -f $'caf\\xe9-inpaint.png'"
            )
            #expect(outcome.code == 0, "\(outcome.error)")
            // Standard output has the bytes, so that a script can go on with them.
            #expect(outcome.outputBytes == Array("caf".utf8) + [0xE9] + Array("-inpaint.png\n".utf8))
            let next = try editor.shell("\"$EDITOR_PROGRAM\" variations \(Self.quick) -o $'d\\xe9/'; ls $'d\\xe9'")
            #expect(next.code == 0, "\(next.error)")
            #expect(next.error.contains("continuing with the last result made in this folder, 'caf\\xE9-inpaint.png'"))
            #expect(next.outputBytes.contains(0xE9))
        }

        @Test func `A request that is printed finds the same names`() throws {
            let editor = try Self.editor()
            let outcome = try editor.shell(
                """
                set -e; n=$'caf\\xe9 \\n\\x1b[31m.png'; cp a.png "$n"
                "$EDITOR_PROGRAM" erase "$n" $'m\\xff\\xc3.png' --seed 1 --print-request > r.json
                "$EDITOR_PROGRAM" edit r.json -q -o r.png
                "$EDITOR_PROGRAM" edit r.json --print-request > again.json; cmp r.json again.json
                "$EDITOR_PROGRAM" erase a.png m.png --seed 1 -q -o s.png
                """)
            #expect(outcome.code == 0, "\(outcome.error)")
            let bytes = try #require(editor.data("r.json"))
            #expect(String(validating: bytes, as: UTF8.self) != nil)
            // Whoever reads it as JSON and writes it in characters leaves the names what they are.
            let object = try JSONSerialization.jsonObject(with: bytes)
            try JSONSerialization.data(withJSONObject: object).write(to: editor.folder.appending(path: "other.json"))
            let other = try editor.run(["edit", "other.json", "-q", "-o", "o.png"])
            #expect(other.code == 0, "\(other.error)")
        }

        @Test func `Messages and JSON show what can be shown`() throws {
            let editor = try Self.editor()
            let missing = try editor.shell("\"$EDITOR_PROGRAM\" info $'gone\\xe9\\x1b[2J.png'")
            #expect(missing.code == 66)
            #expect(missing.error.contains("gone\\xE9\\x1B[2J.png does not exist"), "\(missing.error)")
            let json = try editor.shell("\"$EDITOR_PROGRAM\" info $'caf\\xe9.png' --json")
            #expect(json.code == 0, "\(json.error)")
            let object = try JSONSerialization.jsonObject(with: Data(json.outputBytes)) as? [String: Any]
            #expect(object?["file"] as? String == "caf\\xE9.png")
        }

        @Test func `Models and what is added to them are found`() throws {
            let editor = try Self.editor()
            editor.environment["XDG_DATA_HOME"] = editor.path(".data")
            let outcome = try editor.shell(
                """
                mkdir -p .data/editor/models/me && cp -r model $'.data/editor/models/me/n\\xe9' && mv model $'mod\\xe9'
                set -e
                "$EDITOR_PROGRAM" models list
                "$EDITOR_PROGRAM" models default $'me/n\\xe9'
                "$EDITOR_PROGRAM" inpaint a.png m.png fox --steps 1 --seed 1 -o named.png
                "$EDITOR_PROGRAM" inpaint a.png m.png fox --steps 1 --seed 1 -o path.png --model $'mod\\xe9'
                "$EDITOR_PROGRAM" models convert $'me/n\\xe9' $'made\\xe9' && "$EDITOR_PROGRAM" models verify $'made\\xe9'
                "$EDITOR_PROGRAM" models remove $'me/n\\xe9' --force && test ! -e .data/editor/models/me
                """)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(editor.data("named.png") != nil && editor.data("path.png") != nil)
            #expect(outcome.error.contains("me/n\\xE9: "), "\(outcome.error)")
        }

        @Test func `A prompt that is no UTF-8 is read as far as it is`() throws {
            let editor = try Self.editor()
            let outcome = try editor.shell(
                "\"$EDITOR_PROGRAM\" inpaint a.png m.png $'a caf\\xe9' \(Self.quick) -o p.png")
            #expect(outcome.code == 0, "\(outcome.error)")
            let info = try editor.run(["info", "p.png"])
            #expect(info.output.contains("a caf\u{FFFD}"), "\(info.output)")
        }
    }
#endif
