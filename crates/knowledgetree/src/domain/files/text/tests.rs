use std::io::Write;

use proptest::prelude::*;

use super::*;

/// An archive of these files.
pub(in crate::domain) fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn docx(body: &str) -> Vec<u8> {
    let document =
        format!("<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    zip_of(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", &document)])
}

/// A PDF of one page, as old programs write it.
fn pdf(stream: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>"
            .to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        format!("<</Length {}>>\nstream\n{stream}\nendstream", stream.len()),
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).into_bytes());
    }
    let xref = file.len();
    file.extend(b"xref\n0 6\n0000000000 65535 f \n");
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    file.extend(format!("trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n").into_bytes());
    file
}

fn text_of(kind: Kind, bytes: &[u8]) -> String {
    extract(kind, bytes).unwrap().text
}

#[test]
fn the_words_of_texts() {
    for (bytes, text) in [
        ("ä€ x".as_bytes().to_vec(), "ä€ x"),
        (b"\xef\xbb\xbfx".to_vec(), "x"),
        (b"\xff\xfea\0\xe4\0".to_vec(), "aä"),
        (b"\xfe\xff\0a".to_vec(), "a"),
        (b"Gr\xfc\xdfe \x80".to_vec(), "Grüße €"),
    ] {
        assert_eq!(text_of(Kind::Csv, &bytes), text);
    }
    assert!(extract(Kind::Txt, b"a\0b").is_err());
    assert!(matches!(extract(Kind::Png, b"x"), Err(ExtractError::NoReader("png"))));
    let long = extract(Kind::Txt, "é".repeat(MAX_TEXT).as_bytes()).unwrap();
    assert!(long.cut && long.text.len() <= MAX_TEXT);
}

#[test]
fn the_words_of_documents() {
    let body = "<w:p><w:r><w:t>Hello &amp; </w:t></w:r><w:r><w:t xml:space=\"preserve\">w&#246;rld</w:t></w:r></w:p>\
                <w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:instrText>HIDDEN</w:instrText></w:r></w:p>";
    assert_eq!(text_of(Kind::Docx, &docx(body)), "Hello & wörld\na\tb\n");
}

#[test]
fn the_words_of_workbooks() {
    let file = zip_of(&[
        ("[Content_Types].xml", "<Types/>"),
        ("xl/workbook.xml", "<workbook/>"),
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>Name</t></si><si><r><t>Se</t></r><r><t>rver</t></r></si></sst>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c><c><v>42</v></c></row><row><c/></row>\
             <row><c t=\"s\"><v>1</v></c><c t=\"inlineStr\"><is><t>here</t></is></c><c t=\"s\"><v>99</v></c></row></sheetData></worksheet>",
        ),
    ]);
    assert_eq!(text_of(Kind::Xlsx, &file), "Name\t42\nServer\there\t99\n");
}

#[test]
fn the_words_of_a_pdf() {
    let words = text_of(
        Kind::Pdf,
        &pdf("BT /F1 12 Tf 10 100 Td (Backup of the) Tj 0 -14 Td (server Gr\\374n) Tj ET"),
    );
    assert!(words.contains("Backup of the") && words.contains("server Grün"), "{words:?}");
}

#[test]
fn bombs_do_not_go_off() {
    let body = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "x".repeat(200_000)).repeat(400);
    let bomb = docx(&body);
    assert!(bomb.len() < 400_000);
    let read = extract(Kind::Docx, &bomb).unwrap();
    assert!(read.cut && read.text.len() <= MAX_TEXT);
    // One text that has no end in sight.
    let endless = docx(&format!("<w:p>{}</w:p>", " ".repeat(60_000_000)));
    assert_eq!(extract(Kind::Docx, &endless), Ok(Extracted { text: String::new(), cut: true }));
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><w:p><w:t>&b;!</w:t></w:p>";
    assert_eq!(text_of(Kind::Docx, &docx(laughs)), "!\n");
    let deep = docx(&"<w:p>".repeat(500_000));
    assert!(extract(Kind::Docx, &deep).is_ok());
}

#[test]
fn a_pdf_that_unpacks_to_too_much_has_no_words() {
    let mut encoder = flate2_stream(64 * 1024 * 1024);
    let mut file = pdf("x");
    let at = file.windows(b"<</Length 1>>".len()).position(|part| part == b"<</Length 1>>").unwrap();
    file.truncate(at);
    file.extend(format!("<</Length {}/Filter/FlateDecode>>\nstream\n", encoder.len()).into_bytes());
    file.append(&mut encoder);
    file.extend(b"\nendstream\nendobj\ntrailer\n<</Size 6/Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    assert!(file.len() < 200_000);
    let read = extract(Kind::Pdf, &file);
    assert!(read.is_err() || read.unwrap().text.trim().is_empty());
}

/// The compressed form of so many zeros, by way of an archive, whose entries are compressed in the same way.
fn flate2_stream(len: usize) -> Vec<u8> {
    let archive = zip_of(&[("a", &"0 ".repeat(len / 2))]);
    let start = 30 + 1;
    let end = archive.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    // A header and no check sum: what a lenient reader takes.
    let mut stream = vec![0x78, 0x9c];
    stream.extend(&archive[start..end]);
    stream
}

#[test]
fn files_that_are_no_such_file_are_errors() {
    for kind in [Kind::Docx, Kind::Xlsx, Kind::Pdf] {
        for bytes in [b"".to_vec(), b"PK\x03\x04".to_vec(), b"%PDF-1.4".to_vec(), zip_of(&[("a", "b")])] {
            assert!(matches!(extract(kind, &bytes), Err(_) | Ok(Extracted { cut: false, .. })), "{kind:?}");
        }
    }
    assert!(extract(Kind::Docx, &zip_of(&[("a", "b")])).is_err());
    assert!(extract(Kind::Pdf, b"%PDF-1.4").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..600, byte in any::<u8>()) {
        let mut broken = pdf("BT /F1 12 Tf (x) Tj ET");
        let place = at % broken.len();
        broken[place] = byte;
        let _ = extract(Kind::Pdf, &broken);
        let mut document = docx("<w:p><w:t>x</w:t></w:p>");
        let place = at % document.len();
        document[place] = byte;
        let _ = extract(Kind::Docx, &document);
        for kind in [Kind::Txt, Kind::Docx, Kind::Xlsx, Kind::Pdf] {
            let _ = kind.check(&bytes);
            let _ = extract(kind, &bytes);
        }
    }
}
