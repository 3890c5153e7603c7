internal import ArgumentParser
internal import Editing
internal import PlainText

/// Throws a `ValidationError` that names the option, what it accepts and what was found.
func check<Value>(_ option: String, _ range: SettingRange<Value>, _ value: Value?) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) must be from \(range.allowed), found \(SettingRange.text(of: value))")
}

/// Turns what the library finds wrong into a `ValidationError` that names options.
func validated<Value>(_ make: () throws -> Value) throws -> Value {
    do {
        return try make()
    } catch let error as any Worded & Error {
        throw ValidationError(error.described(by: .options))
    }
}

/// Throws a `ValidationError` for a text that is too long to be a prompt.
func checkPrompt(_ prompt: String, name: String) throws {
    let bytes = prompt.utf8.count
    guard bytes <= EditSettings.promptLimit else {
        throw ValidationError(
            "\(name) is \(bytes.of("byte")) long, expected at most \(EditSettings.promptLimit)")
    }
}

/// Throws a `ValidationError` for a prompt that was given but says nothing, or is the name of a picture.
///
/// - Parameters:
///   - leftOut: what to do without a prompt.
///   - picture: where a picture goes.
func checkGivenPrompt(_ prompt: String?, leftOut: String, picture: String = "a mask goes to --mask") throws {
    guard let prompt else { return }
    guard prompt.contains(where: { !$0.isWhitespace }) else {
        throw ValidationError("the prompt is empty, expected some words; \(leftOut)")
    }
    guard !Positionals.isPictureFile(prompt) else {
        throw ValidationError("'\(prompt)' is a file, expected a prompt in words; \(picture)")
    }
    try checkPrompt(prompt, name: "the prompt")
}
