internal import Diffusion
internal import PlainText

extension EditJob {
    /// The job with what the model reads for its prompts, and what they ask for beside words.
    func withoutNotation() -> (job: EditJob, tags: [PromptNotation.LoRATag], notes: [EditNote]) {
        let prompt = PromptNotation(request.prompt)
        let negative = PromptNotation(request.negativePrompt, isNegative: true)
        var job = self
        job.request.prompt = prompt.text
        job.request.negativePrompt = negative.text
        let notes = (prompt.warnings + negative.warnings).map { EditNote($0, isWarning: true) }
        return (job, prompt.loras, notes)
    }

    /// The files of LoRAs that a prompt calls by name; a warning for each that is not found, as AUTOMATIC1111 has it.
    static func files(
        of tags: [PromptNotation.LoRATag], in library: LoRALibrary
    ) -> (loras: [LoRAChoice], notes: [EditNote]) {
        var loras: [LoRAChoice] = []
        var notes: [EditNote] = []
        for tag in tags {
            if let path = library.file(named: tag.name) {
                loras.append(LoRAChoice(path: path, weight: tag.weight, textWeight: tag.textWeight))
                notes.append(EditNote("lora: '\(tag.name.prefix(80))' of the prompt is \(path)"))
                continue
            }
            let places =
                library.folders.isEmpty
                ? ", and no folder to look in" : " in \(library.folders.joined(separator: ", "))"
            notes.append(
                EditNote(
                    "lora: there is no LoRA '\(tag.name.prefix(80))'\(places); it is left out. Name its file with \(.lora), or add its folder to modelFolders in config.json",
                    isWarning: true))
        }
        return (loras, notes)
    }
}
